// The crash demo: loads the cities of the world into a database through the
// real `kvd load`, kills it with SIGKILL again and again, and after each kill
// proves that every record which was acknowledged is there, byte for byte.
//
//   crash_demo --kvd=PATH --data=cities.jsonl.lz4 [--seed=N] [--kills=N]
//
// SIGKILL ends a process between any two instructions; what it had written but
// not synced stays with the operating system. That is the promise shown here:
// the death of the process costs nothing that was acknowledged. (Power loss
// takes more; docs/durability.md tells which tests are about that.)
//
// The exit code is 0 when nothing was lost, wrong or invented.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/random.h"
#include "base/status_util.h"
#include "demo/prefix_checker.h"
#include "holdfast/db.h"
#include "holdfast/env/env.h"
#include "holdfast/options.h"
#include "kvd/input.h"
#include "kvd/key_template.h"
#include "kvd/record_reader.h"
#include "kvd/testing/process.h"
#include "kvd/testing/table_watch.h"
#include "kvd/text.h"

namespace holdfast::demo {
namespace {

using kvd::CountUnfinishedTables;
using kvd::Process;
using kvd::ProcessEnd;
using kvd::RunProcess;
using kvd::TableWatch;
using kvd::WaitReadable;

constexpr char kKeyTemplate[] = "city/{country}/{admin1}/{name}/{line}";
constexpr uint64_t kBatchRecords = 50;
// Records that are left for each kill to come, so that none finds the load at
// its end. A table is begun every 1,500 records or so.
constexpr uint64_t kReserveRecords = 2500;

struct Flags {
  std::string kvd;
  std::string data;
  std::string directory;  // Empty: a new one below TMPDIR.
  uint64_t seed = 0;      // 0: a new one.
  uint64_t kills = 25;
  uint64_t records = UINT64_MAX;
  bool keep = false;
};

// What the run found out, for the summary.
struct Tally {
  uint64_t kills = 0;
  uint64_t kills_while_writing_a_table = 0;
  uint64_t kills_of_recovery = 0;
  uint64_t checks = 0;  // Of all acknowledged records each.
  uint64_t records_checked = 0;
  uint64_t unacknowledged_found = 0;
};

class CrashDemo {
 public:
  CrashDemo(const Flags& flags, Env& env)
      : flags_(flags), env_(env), random_(flags.seed) {}

  absl::Status Run();

 private:
  // What a run of `kvd load` ended with.
  enum class LoadEnd { kKilled, kComplete };

  std::string database() const { return flags_.directory + "/db"; }
  std::string input() const { return flags_.directory + "/cities.jsonl"; }
  std::vector<std::string> Kvd(const std::vector<std::string>& words) const;

  absl::Status ReadRecords();
  absl::Status CopyRecords();

  // The acknowledged record at which the next kill is due.
  uint64_t ChooseKillAt();
  absl::StatusOr<LoadEnd> LoadUntilKilled();
  absl::StatusOr<LoadEnd> LoadToTheEnd();
  // Reads what is there of load's output. RETURNS false at its end.
  absl::StatusOr<bool> ReadAcknowledgements(kvd::ByteSource& output);
  absl::StatusOr<LoadEnd> EndOf(Process& load, kvd::ByteSource& output);

  absl::Status Recover();
  absl::Status KillRecovery();
  absl::Status Check();
  absl::Status Show(const std::vector<std::string>& words);
  absl::Status LookAround();
  void Summarize(uint64_t micros) const;

  const Flags flags_;
  Env& env_;
  Random random_;
  std::vector<kvd::Record> records_;
  std::unique_ptr<PrefixChecker> checker_;
  Tally tally_;
  std::string partial_line_;   // Of load's output.
  uint64_t acknowledged_ = 0;  // Records.
};

void Say(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

std::unique_ptr<kvd::ByteSource> OutputOf(const Process& process) {
  return kvd::NewDescriptorSource(process.output(), "kvd's output");
}

std::vector<std::string> CrashDemo::Kvd(
    const std::vector<std::string>& words) const {
  std::vector<std::string> all = {flags_.kvd};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

absl::Status CrashDemo::ReadRecords() {
  kvd::RecordReaderOptions options;
  HF_ASSIGN_OR_RETURN(options.key_template,
                      kvd::KeyTemplate::Parse(kKeyTemplate));
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<kvd::RecordReader> reader,
                      kvd::RecordReader::Open(flags_.data, options));
  kvd::Record record;
  while (records_.size() < flags_.records) {
    HF_ASSIGN_OR_RETURN(const bool more, reader->Next(&record));
    if (!more) break;
    records_.push_back(record);
  }
  if (records_.size() < (flags_.kills + 1) * kReserveRecords) {
    return absl::InvalidArgumentError(absl::StrCat(
        records_.size(), " records are too few for ", flags_.kills, " kills"));
  }
  checker_ = std::make_unique<PrefixChecker>(records_);
  return CopyRecords();
}

// The input of `kvd load`, as a file of exactly the records in use.
absl::Status CrashDemo::CopyRecords() {
  std::string text;
  for (const kvd::Record& record : records_) {
    absl::StrAppend(&text, record.value, "\n");
  }
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                      env_.file_system().CreateFile(input()));
  HF_RETURN_IF_ERROR(file->Write(0, text));
  return file->Close();
}

uint64_t CrashDemo::ChooseKillAt() {
  const uint64_t kills_left = flags_.kills - tally_.kills;
  const uint64_t reserve = (kills_left + 1) * kReserveRecords;
  const uint64_t left = records_.size() - acknowledged_;
  const uint64_t free = left > reserve ? left - reserve : 0;
  // After the first batch of this run at the earliest, and at most after twice
  // the even share of what is left.
  return acknowledged_ + 1 + random_.Uniform(2 * (free / (kills_left + 1)) + 1);
}

absl::StatusOr<CrashDemo::LoadEnd> CrashDemo::EndOf(Process& load,
                                                    kvd::ByteSource& output) {
  // What was acknowledged before the kill may still be in the pipe.
  bool more = true;
  while (more) {
    HF_ASSIGN_OR_RETURN(more, ReadAcknowledgements(output));
  }
  partial_line_.clear();
  const ProcessEnd end = load.Wait();
  if (end.killed) return LoadEnd::kKilled;
  if (end.exit_code == 0) return LoadEnd::kComplete;
  return absl::InternalError(
      absl::StrCat("kvd load ended with exit code ", end.exit_code));
}

absl::StatusOr<bool> CrashDemo::ReadAcknowledgements(kvd::ByteSource& output) {
  char buffer[4096];
  HF_ASSIGN_OR_RETURN(const size_t n, output.Read(buffer, sizeof(buffer)));
  if (n == 0) return false;
  partial_line_.append(buffer, n);
  size_t end;
  while ((end = partial_line_.find('\n')) != std::string::npos) {
    const std::string_view line =
        std::string_view(partial_line_).substr(0, end);
    uint64_t records = 0;
    if (!line.starts_with("ack ") ||
        !absl::SimpleAtoi(line.substr(4), &records) ||
        records < acknowledged_ || records > records_.size()) {
      return absl::InternalError(absl::StrCat("kvd load said \"", line,
                                              "\" after ", acknowledged_,
                                              " acknowledged records"));
    }
    acknowledged_ = records;
    partial_line_.erase(0, end + 1);
  }
  return true;
}

absl::StatusOr<CrashDemo::LoadEnd> CrashDemo::LoadUntilKilled() {
  const uint64_t kill_at = ChooseKillAt();
  // Two of three kills wait for a table to appear and strike while it is
  // written, at once or up to 3 ms later.
  const bool wait_for_table = !random_.OneIn(3);
  const uint64_t delay_micros = random_.Uniform(4) * random_.Uniform(1000);
  HF_ASSIGN_OR_RETURN(TableWatch watch, TableWatch::Start(database()));
  HF_ASSIGN_OR_RETURN(
      Process load,
      Process::Start(Kvd(
          {"load", database(), input(), "--key-template", kKeyTemplate,
           "--batch", absl::StrCat(kBatchRecords), "--skip",
           absl::StrCat(acknowledged_), "--ack", "--quiet", "--memtable-bytes",
           "256KiB", "--table-bytes", "256KiB", "--level1-bytes", "1MiB"})));
  const std::unique_ptr<kvd::ByteSource> output = OutputOf(load);
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool has_output,
                        WaitReadable(load.output(), watch.descriptor()));
    if (has_output) {
      HF_ASSIGN_OR_RETURN(const bool more, ReadAcknowledgements(*output));
      if (!more) return EndOf(load, *output);
    }
    const bool new_table = watch.SawNewTable();
    if (acknowledged_ >= kill_at && (new_table || !wait_for_table)) break;
  }
  if (wait_for_table && delay_micros > 0) {
    env_.clock().SleepMicros(delay_micros);
  }
  load.Kill();
  return EndOf(load, *output);
}

absl::StatusOr<CrashDemo::LoadEnd> CrashDemo::LoadToTheEnd() {
  HF_ASSIGN_OR_RETURN(
      Process load,
      Process::Start(
          Kvd({"load", database(), input(), "--key-template", kKeyTemplate,
               "--skip", absl::StrCat(acknowledged_), "--ack", "--quiet"})));
  return EndOf(load, *OutputOf(load));
}

// Kills a recovery in the middle: the next one must start all over.
absl::Status CrashDemo::KillRecovery() {
  HF_ASSIGN_OR_RETURN(Process recovery,
                      Process::Start(Kvd({"verify", database()})));
  env_.clock().SleepMicros(random_.Uniform(20'000));
  recovery.Kill();
  const ProcessEnd end = recovery.Wait();
  if (end.killed) {
    ++tally_.kills_of_recovery;
  } else if (end.exit_code != 0) {
    return absl::DataLossError(
        absl::StrCat("kvd verify ended with exit code ", end.exit_code));
  }
  return absl::OkStatus();
}

absl::Status CrashDemo::Recover() {
  HF_ASSIGN_OR_RETURN(const std::string manifest,
                      RunProcess(Kvd({"dump-manifest", database(), "--json"})));
  HF_ASSIGN_OR_RETURN(const size_t unfinished,
                      CountUnfinishedTables(database(), manifest));
  if (unfinished > 0) ++tally_.kills_while_writing_a_table;
  if (random_.OneIn(3)) HF_RETURN_IF_ERROR(KillRecovery());
  HF_RETURN_IF_ERROR(RunProcess(Kvd({"verify", database()})).status());
  HF_RETURN_IF_ERROR(Check());
  Say(absl::StrFormat(
      "  kill %2d: %7s acknowledged, all there%s", tally_.kills,
      kvd::FormatCount(acknowledged_),
      unfinished > 0 ? "   (hit while a table was being written)" : ""));
  return absl::OkStatus();
}

// Reads the whole database and compares every entry.
absl::Status CrashDemo::Check() {
  HF_ASSIGN_OR_RETURN(
      Process dump,
      Process::Start(Kvd({"dump", database(), "--format", "tsv", "--quiet"})));
  kvd::RecordReader reader(OutputOf(dump), "kvd dump",
                           {.format = kvd::RecordFormat::kTsv});
  checker_->Begin();
  kvd::Record record;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool more, reader.Next(&record));
    if (!more) break;
    HF_RETURN_IF_ERROR(checker_->See(record.key, record.value));
  }
  const ProcessEnd end = dump.Wait();
  if (end.exit_code != 0) {
    return absl::DataLossError(
        absl::StrCat("kvd dump ended with exit code ", end.exit_code));
  }
  HF_ASSIGN_OR_RETURN(const size_t found, checker_->Finish(acknowledged_));
  ++tally_.checks;
  tally_.records_checked += acknowledged_;
  tally_.unacknowledged_found += found - acknowledged_;
  return absl::OkStatus();
}

// A word as a shell wants it.
std::string Quoted(const std::string& word) {
  const bool plain = std::none_of(word.begin(), word.end(), [](char c) {
    return c == ' ' || c == '\'' || c == '"' || c == '$' || c == '\\';
  });
  if (plain) return word;
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

// Runs a command and shows it with what it says.
absl::Status CrashDemo::Show(const std::vector<std::string>& words) {
  HF_ASSIGN_OR_RETURN(const std::string output, RunProcess(Kvd(words)));
  Say(absl::StrCat(
      "\n$ kvd ",
      absl::StrJoin(words, " ", [](std::string* out, const auto& w) {
        out->append(Quoted(w));
      })));
  std::fputs(output.c_str(), stdout);
  if (!output.ends_with('\n')) std::fputc('\n', stdout);
  std::fflush(stdout);
  return absl::OkStatus();
}

absl::Status CrashDemo::LookAround() {
  Say("\nThe database after all that:");
  const std::vector<std::string_view> wanted = {
      "/ZH/Zürich/", "city/IS/39/Reykjavík/", "city/JP/40/Tokyo/",
      "city/AR/23/Ushuaia/"};
  for (const kvd::Record& record : records_) {
    for (std::string_view city : wanted) {
      if (record.key.find(city) != std::string::npos) {
        HF_RETURN_IF_ERROR(Show({"get", database(), record.key}));
      }
    }
  }
  const std::string& last = records_.back().key;
  HF_RETURN_IF_ERROR(Show({"get", database(), last}));
  const std::string prefix = last.substr(0, last.find('/', 5) + 1);
  HF_RETURN_IF_ERROR(
      Show({"scan", database(), "--prefix", prefix, "--limit", "3"}));
  HF_RETURN_IF_ERROR(Show(
      {"scan", database(), "--prefix", prefix, "--limit", "3", "--reverse"}));
  HF_RETURN_IF_ERROR(Show({"verify", database()}));
  return Show({"stats", database()});
}

void CrashDemo::Summarize(uint64_t micros) const {
  const auto line = [](const char* what, uint64_t n) {
    Say(absl::StrFormat("  %-52s %12s", what, kvd::FormatCount(n)));
  };
  Say("\nSummary");
  line("times kvd load was killed with SIGKILL and survived", tally_.kills);
  line("  of these while a table was being written",
       tally_.kills_while_writing_a_table);
  line("recoveries that were killed too", tally_.kills_of_recovery);
  line("records acknowledged", acknowledged_);
  line("acknowledged records lost, wrong or invented", 0);
  line("records compared, in all checks together", tally_.records_checked);
  line("records found that had not been acknowledged yet",
       tally_.unacknowledged_found);
  Say(absl::StrFormat("  %-52s %12s", "time", kvd::FormatDuration(micros)));
  Say(absl::StrFormat("  %-52s %12d", "seed", flags_.seed));
}

absl::Status CrashDemo::Run() {
  const uint64_t begin_micros = env_.clock().NowMicros();
  HF_RETURN_IF_ERROR(ReadRecords());
  Say(absl::StrCat(
      "Loading ", kvd::FormatCount(records_.size()), " cities into ",
      database(), " and killing the loader ", flags_.kills, " times (seed ",
      flags_.seed,
      ").\nAfter each kill: recovery, verify, and every record that was "
      "acknowledged is compared.\n"));
  HF_RETURN_IF_ERROR(env_.file_system().CreateDirectory(database()));
  while (tally_.kills < flags_.kills) {
    HF_ASSIGN_OR_RETURN(const LoadEnd end, LoadUntilKilled());
    if (end == LoadEnd::kComplete) {
      return absl::InternalError(absl::StrCat("the load was complete after ",
                                              tally_.kills, " kills of ",
                                              flags_.kills));
    }
    ++tally_.kills;
    HF_RETURN_IF_ERROR(Recover());
  }
  HF_ASSIGN_OR_RETURN(const LoadEnd end, LoadToTheEnd());
  if (end != LoadEnd::kComplete || acknowledged_ != records_.size()) {
    return absl::InternalError(
        absl::StrCat("the last load ended after ", acknowledged_, " records"));
  }
  HF_RETURN_IF_ERROR(Check());
  Say(absl::StrCat("  then to the end: ", kvd::FormatCount(acknowledged_),
                   " acknowledged, all there"));
  HF_RETURN_IF_ERROR(LookAround());
  Summarize(env_.clock().NowMicros() - begin_micros);
  return absl::OkStatus();
}

absl::Status MakeDirectory(std::string* directory) {
  if (!directory->empty()) return absl::OkStatus();
  const char* parent = std::getenv("TEST_TMPDIR");
  if (parent == nullptr) parent = std::getenv("TMPDIR");
  *directory = absl::StrCat(parent == nullptr ? "/tmp" : parent,
                            "/holdfast-demo-XXXXXX");
  if (mkdtemp(directory->data()) == nullptr) {
    return absl::InternalError("cannot make " + *directory);
  }
  return absl::OkStatus();
}

absl::Status RemoveDirectory(const std::string& directory, Env& env) {
  FileSystem& file_system = env.file_system();
  HF_RETURN_IF_ERROR(DB::Destroy({}, directory + "/db"));
  HF_RETURN_IF_ERROR(file_system.RemoveFile(directory + "/cities.jsonl"));
  return file_system.RemoveDirectory(directory);
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Kills kvd load again and again and looks for lost records.");
  app.add_option("--kvd", flags.kvd, "The kvd program")->required();
  app.add_option("--data", flags.data, "cities.jsonl.lz4")->required();
  app.add_option("--dir", flags.directory, "An empty directory to work in");
  app.add_option("--seed", flags.seed, "Repeats the choices of a run");
  app.add_option("--kills", flags.kills, "How many (default 25)");
  app.add_option("--records", flags.records, "Load only the first so many");
  app.add_flag("--keep", flags.keep, "Leave the database behind");
  CLI11_PARSE(app, argc, argv);

  const std::unique_ptr<Env> env = NewPosixEnv();
  if (flags.seed == 0) {
    const absl::StatusOr<uint64_t> id = env->file_system().UniqueId();
    flags.seed = id.ok() ? *id % 1'000'000'000 + 1 : 1;
  }
  absl::Status status = MakeDirectory(&flags.directory);
  if (status.ok()) status = CrashDemo(flags, *env).Run();
  if (!status.ok()) {
    Say(absl::StrCat("\nFAILED (seed ", flags.seed, "): ", status.message(),
                     "\nThe files are in ", flags.directory,
                     "; run the same choices again with --seed=", flags.seed));
    return 1;
  }
  if (flags.keep) {
    Say("\nThe database is in " + flags.directory + "/db");
    return 0;
  }
  status = RemoveDirectory(flags.directory, *env);
  if (status.ok()) return 0;
  Say(absl::StrCat("cannot clean up: ", status.message()));
  return 1;
}

}  // namespace
}  // namespace holdfast::demo

int main(int argc, char** argv) { return holdfast::demo::Main(argc, argv); }
