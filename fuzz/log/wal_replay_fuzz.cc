// The replay of write-ahead logs when a database is opened (engine/db). The
// input is a program that writes the logs of a database with a table: frames
// that are right, around records that fit, go back, leap, overlap, count
// wrongly or are any bytes; seals, later logs, logs that nothing leads to; then
// one place of one log is harmed. Property: DB::Open gives what a reader by the
// book, and a map, make of the same logs, or the error that they expect, with
// file and offset. No number is ever given again: what is written then is what
// is found after the next opening.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "engine/format/current_file.h"
#include "engine/format/file_names.h"
#include "engine/format/log_frame.h"
#include "engine/format/wal_record.h"
#include "engine/version/manifest.h"
#include "fuzz/log/reference_log.h"
#include "fuzz/support/fuzz_input.h"
#include "holdfast/db.h"
#include "holdfast/iterator.h"
#include "holdfast/options.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"

namespace {

using namespace holdfast;

using Contents = std::map<std::string, std::string>;
using Logs = std::map<uint64_t, std::string>;

constexpr std::string_view kDir = "/db";
constexpr uint64_t kHeaderFrame = 72;

Options OptionsFor(SimEnv* env) {
  Options options;
  options.env = env;
  options.memtable_bytes = size_t{64} << 10;
  options.block_cache_bytes = 0;
  options.compression = Compression::kNone;
  options.bloom_bits_per_key = 0;
  options.disable_auto_compaction = true;
  return options;
}

// The death of the process.
SimDisk Kill(SimEnv& env, std::unique_ptr<DB> db) {
  SimDisk left = env.fs().disk();
  left.ReleaseAll();
  db.reset();
  return left;
}

// --- A database, made once ---------------------------------------------------

struct Base {
  SimDisk disk;  // Without logs.
  uint64_t db_id = 0;
  uint64_t log_number = 0;
  uint64_t last_sequence = 0;
  Contents contents;
};

Base MakeBase() {
  SimEnv env;
  Options options = OptionsFor(&env);
  options.create_if_missing = true;
  absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, kDir);
  HF_CHECK(db.ok());
  Base base;
  for (const char* key : {"a", "b", "c"}) {
    base.contents[key] = absl::StrCat("table-", key);
    HF_CHECK((*db)->Put({}, key, base.contents[key]).ok());
  }
  HF_CHECK((*db)->Flush().ok());
  base.disk = Kill(env, *std::move(db));
  const std::map<std::string, std::string> files = base.disk.Files();
  for (const auto& [path, content] : files) {
    if (!absl::EndsWith(path, ".wal")) continue;
    HF_CHECK(base.disk.Remove(path).ok());
  }
  base.disk.SyncAll();
  SimFileSystem fs(base.disk);
  const absl::StatusOr<CurrentFile> current = ReadCurrent(&fs, kDir);
  HF_CHECK(current.ok());
  const absl::StatusOr<ManifestState> state = ReadManifest(&fs, kDir, *current);
  HF_CHECK(state.ok());
  base.db_id = state->db_id;
  base.log_number = state->log_number;
  base.last_sequence = state->last_sequence;
  return base;
}

// --- What must be found ------------------------------------------------------

// By docs/formats/write_batch.md.
class RecordParser {
 public:
  explicit RecordParser(std::string_view bytes) : rest_(bytes) {}

  // RETURNS whether the record is whole and right by itself.
  bool Apply(uint64_t* last_sequence, Contents* contents) {
    if (rest_.size() < 8) return false;
    const uint64_t first = DecodeFixed64(rest_.data());
    rest_.remove_prefix(8);
    uint64_t count = 0;
    if (!Varint(UINT32_MAX, &count)) return false;
    if (first <= *last_sequence || first >= uint64_t{1} << 55 ||
        first + count >= uint64_t{1} << 55) {
      return false;
    }
    for (uint64_t i = 0; i < count; ++i) {
      if (!Change(contents)) return false;
    }
    if (count > 0) *last_sequence = first + count - 1;
    return rest_.empty();
  }

 private:
  bool Varint(uint64_t most, uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (rest_.empty()) return false;
      const uint64_t byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) return false;
      *value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return *value <= most && (shift == 0 || byte != 0);
    }
    return false;
  }

  bool String(uint64_t most, std::string* text) {
    uint64_t length = 0;
    if (!Varint(UINT64_MAX, &length) || length > rest_.size()) return false;
    if (length > most) return false;
    text->assign(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return true;
  }

  bool Change(Contents* contents) {
    if (rest_.empty()) return false;
    const char type = rest_.front();
    rest_.remove_prefix(1);
    std::string key;
    if (!String(uint64_t{64} << 10, &key)) return false;
    if (type == 0) {
      contents->erase(key);
      return true;
    }
    std::string value;
    if (type != 1 || !String(uint64_t{1} << 30, &value)) return false;
    (*contents)[key] = value;
    return true;
  }

  std::string_view rest_;
};

struct Expected {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string begins;  // The message of an error.
  Contents contents;
};

// By the head of engine/db/recovery.h.
class Model {
 public:
  Model(const Base& base, const Logs& logs)
      : base_(base), logs_(logs), last_sequence_(base.last_sequence) {
    expected_.contents = base.contents;
  }

  Expected Read() && {
    if (CollectRequired() && Replay()) CheckUnreached();
    return std::move(expected_);
  }

 private:
  using End = ReferenceLog::End;

  ReferenceLog Book(uint64_t number, uint64_t required) const {
    return ReadByTheBook(logs_.at(number), {base_.db_id, 1, number}, required);
  }

  bool Damage(uint64_t number, uint64_t offset) {
    expected_.code = absl::StatusCode::kDataLoss;
    expected_.begins =
        absl::StrCat(WalFileName(kDir, number), " at offset ", offset, ": ");
    return false;
  }
  bool OtherVersion(uint64_t number) {
    expected_.code = absl::StatusCode::kUnimplemented;
    expected_.begins = absl::StrCat(WalFileName(kDir, number), ": ");
    return false;
  }

  // What headers say of the logs before them.
  bool CollectRequired() {
    for (auto log = logs_.upper_bound(base_.log_number); log != logs_.end();
         ++log) {
      const ReferenceLog book = Book(log->first, 0);
      if (book.end == End::kOtherVersion) return OtherVersion(log->first);
      if (book.end == End::kNoHeader) continue;
      if (book.end == End::kDamage && book.damage_at == 0) continue;
      uint64_t& required = required_[book.previous_number];
      required = std::max(required, book.previous_bytes);
    }
    return true;
  }

  bool Replay() {
    uint64_t number = base_.log_number;
    while (true) {
      if (!logs_.contains(number)) return Damage(number, 0);
      const ReferenceLog book =
          Book(number, std::max(kHeaderFrame, required_[number]));
      if (book.end == End::kOtherVersion) return OtherVersion(number);
      for (const ReferenceRecord& record : book.records) {
        RecordParser parser(record.bytes);
        if (!parser.Apply(&last_sequence_, &expected_.contents)) {
          return Damage(number, record.offset);
        }
      }
      if (book.end == End::kDamage) return Damage(number, book.damage_at);
      last_read_ = number;
      last_end_ = book.bytes;
      if (book.end != End::kSealed || book.successor == 0) return true;
      if (book.successor <= number) return Damage(number, book.bytes);
      number = book.successor;
    }
  }

  // A record in a log that the chain does not lead to is a hole before it.
  void CheckUnreached() {
    for (auto log = logs_.upper_bound(last_read_); log != logs_.end(); ++log) {
      const ReferenceLog book = Book(log->first, 0);
      if (book.end == End::kOtherVersion) {
        OtherVersion(log->first);
        return;
      }
      if (!book.records.empty()) {
        Damage(last_read_, last_end_);
        return;
      }
      if (book.end == End::kDamage) {
        Damage(log->first, book.damage_at);
        return;
      }
    }
  }

  const Base& base_;
  const Logs& logs_;
  Expected expected_;
  uint64_t last_sequence_;
  std::map<uint64_t, uint64_t> required_;
  uint64_t last_read_ = 0;
  uint64_t last_end_ = 0;
};

// --- Making the logs ---------------------------------------------------------

class Maker {
 public:
  explicit Maker(const Base& base)
      : base_(base),
        number_(base.log_number),
        sequence_(base.last_sequence + 1) {
    Begin(number_, 0, 0);
  }

  void Run(FuzzInput& in) {
    for (int step = 0; step < 48 && !in.empty(); ++step) Step(in);
  }

  void Harm(FuzzInput& in) {
    const uint8_t how = in.Byte();
    const auto log = std::next(logs_.begin(), in.Below(logs_.size()));
    std::string& file = log->second;
    const size_t at = in.Short() % (file.size() + 1);
    if (how < 32) {
      logs_.erase(log);
    } else if (how < 96) {
      file.resize(at);
    } else if (how < 160 && at < file.size()) {
      file[at] = static_cast<char>(file[at] ^ (in.Byte() | 1));
    }
  }

  const Logs& logs() const { return logs_; }

 private:
  void Put(FrameType type, std::string_view payload) {
    const LogIdentity identity = {base_.db_id, LogKind::kWal, number_};
    std::string& file = logs_[number_];
    chain_ = AppendFrame(&file, identity.context(), file.size(), chain_, type,
                         synced_, payload);
  }

  void Begin(uint64_t number, uint64_t previous, uint64_t previous_bytes) {
    number_ = number;
    chain_ = 0;
    synced_ = 0;
    logs_[number].clear();
    LogHeader header;
    header.version = 1;
    header.db_id = base_.db_id;
    header.number = number;
    header.previous_number = previous;
    header.previous_bytes = previous_bytes;
    header.first_sequence = sequence_ & kMaxSequenceNumber;
    Put(FrameType::kHeader, EncodeLogHeader(header));
    synced_ = logs_[number].size();
  }

  void Step(FuzzInput& in) {
    const uint8_t what = in.Byte();
    if (what < 128) {
      Record(in, what);
    } else if (what < 160) {
      synced_ = logs_[number_].size();
    } else if (what < 176) {
      Put(FrameType::kFull, in.Bytes(what - 160));
    } else if (what < 200) {
      Seal(in);
    } else if (what < 220) {
      // The next one, which nothing leads to.
      Begin(number_ + 1 + what % 2, number_, synced_);
    } else if (what < 230) {
      logs_[number_] += in.Bytes(what - 219);
    } else if (what < 240) {
      logs_[number_].append(in.Byte(), '\0');
    }
  }

  void Seal(FuzzInput& in) {
    const uint64_t before = number_;
    const uint8_t how = in.Byte();
    const uint64_t next = number_ + 1 + how % 4;
    // Mostly the one that follows; or none, an earlier one, or any.
    const uint64_t says = how < 200   ? next
                          : how < 210 ? 0
                          : how < 220 ? number_ - how % 4
                                      : in.Long();
    const uint64_t known = synced_;
    Put(FrameType::kSeal, EncodeLogSeal({.successor = says}));
    Begin(next, before, how % 8 == 7 ? known + in.Byte() : known);
  }

  void Record(FuzzInput& in, uint8_t what) {
    const uint32_t changes = what % 4;
    uint64_t first = sequence_;
    uint32_t count = changes;
    if (what >= 124) {
      first = in.Long();
    } else if (what >= 112) {
      first += static_cast<uint64_t>(int64_t{in.Byte()} - 128);
    } else if (what >= 108) {
      count = in.Word();
    } else if (what >= 100) {
      count += in.Byte() % 4;
    }
    std::string record;
    PutFixed64(&record, first);
    PutVarint32(&record, count);
    for (uint32_t i = 0; i < changes; ++i) AddChange(in, what, &record);
    if (what >= 64 && what < 72) record.resize(in.Byte() % record.size());
    if (what >= 72 && what < 80) {
      record[in.Byte() % record.size()] ^= static_cast<char>(in.Byte());
    }
    const size_t cut = what >= 96 && what < 100 ? in.Byte() : 0;
    if (cut == 0 || cut >= record.size()) {
      Put(FrameType::kFull, record);
    } else {
      Put(FrameType::kFirst, std::string_view(record).substr(0, cut));
      Put(FrameType::kLast, std::string_view(record).substr(cut));
    }
    // The next record mostly fits behind this one.
    if (first >= sequence_) sequence_ = first + count;
  }

  void AddChange(FuzzInput& in, uint8_t what, std::string* record) {
    const uint8_t how = in.Byte();
    std::string key(1 + how / 64 % 2, static_cast<char>('a' + how % 8));
    if (how % 64 == 63) key.clear();
    if (how % 4 == 3) {
      AppendDelete(record, key);
      return;
    }
    size_t bytes = in.Byte() % 16;
    // Two or three of them fill a memtable.
    if (what >= 80 && what < 84 && large_left_-- > 0) bytes = 30'000;
    if (what >= 84 && what < 86 && large_left_-- > 0) key.resize(65'537, 'k');
    AppendPut(record, key, std::string(bytes, static_cast<char>(how)));
  }

  const Base& base_;
  Logs logs_;
  uint64_t number_;
  uint64_t chain_ = 0;
  uint64_t synced_ = 0;
  uint64_t sequence_;
  int large_left_ = 4;
};

// --- Judging -----------------------------------------------------------------

void CheckContents(DB& db, const Contents& contents) {
  const std::unique_ptr<Iterator> it = db.NewIterator({});
  auto wanted = contents.begin();
  for (it->SeekToFirst(); it->Valid(); it->Next(), ++wanted) {
    HF_CHECK(wanted != contents.end());
    HF_CHECK(it->key() == wanted->first);
    HF_CHECK(it->value() == wanted->second);
  }
  HF_CHECK(it->status().ok());
  HF_CHECK(wanted == contents.end());
  for (const char* key : {"a", "b", "h", "hh"}) {
    const absl::StatusOr<std::string> value = db.Get({}, key);
    const auto there = contents.find(key);
    if (there == contents.end()) {
      HF_CHECK(absl::IsNotFound(value.status()));
    } else {
      HF_CHECK(value.ok());
      HF_CHECK(*value == there->second);
    }
  }
}

// What is written now is found later, also over what the logs held.
void CheckGoesOn(SimEnv& env, std::unique_ptr<DB> db, Contents contents,
                 bool close) {
  for (const char* key : {"a", "h"}) {
    HF_CHECK(db->Put({}, key, "after").ok());
    contents[key] = "after";
  }
  HF_CHECK(db->Delete({}, "b").ok());
  contents.erase("b");
  CheckContents(*db, contents);
  if (close) HF_CHECK(db->Close().ok());
  SimEnv later(Kill(env, std::move(db)));
  const absl::StatusOr<std::unique_ptr<DB>> again =
      DB::Open(OptionsFor(&later), kDir);
  HF_CHECK(again.ok());
  CheckContents(**again, contents);
}

void Check(const Base& base, const Logs& logs, bool close) {
  const Expected expected = Model(base, logs).Read();
  SimDisk disk = base.disk;
  for (const auto& [number, content] : logs) {
    disk.Put(WalFileName(kDir, number), content);
  }
  SimEnv env(std::move(disk));
  absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(OptionsFor(&env), kDir);
  HF_CHECK(db.status().code() == expected.code);
  if (!db.ok()) {
    HF_CHECK(absl::StartsWith(db.status().message(), expected.begins));
    return;
  }
  CheckContents(**db, expected.contents);
  CheckGoesOn(env, *std::move(db), expected.contents, close);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Base base = MakeBase();
  FuzzInput in(data, size);
  const uint8_t how = in.Byte();
  FuzzInput harm(in.Bytes(7));
  Maker maker(base);
  maker.Run(in);
  if (how & 1) maker.Harm(harm);
  Check(base, maker.logs(), /*close=*/(how & 2) != 0);
  return 0;
}
