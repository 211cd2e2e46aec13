#include <iostream>

#include "holdfast/db.h"

int main(int argc, char** argv) {
  holdfast::Options options;
  options.create_if_missing = true;
  auto db = holdfast::DB::Open(options, argc > 1 ? argv[1] : "quickstart.db");
  if (!db.ok()) return std::cerr << db.status() << "\n", 1;

  holdfast::WriteBatch batch;  // All of it, or nothing.
  batch.Put("city/bern", "on the Aare");
  batch.Put("city/thun", "on the lake");
  absl::Status status = (*db)->Write({.sync = true}, batch);
  if (!status.ok()) return std::cerr << status << "\n", 1;

  holdfast::ReadOptions cities;
  cities.prefix = "city/";
  auto it = (*db)->NewIterator(cities);
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    std::cout << it->key() << ": " << it->value() << "\n";
  }
  if (!it->status().ok()) return std::cerr << it->status() << "\n", 1;
}
