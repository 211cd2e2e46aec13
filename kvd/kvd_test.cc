// Runs the kvd program: every command, what it writes where, its exit codes.
//
// The program is named by the environment variable KVD.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/format/current_file.h"
#include "env/posix/temp_directory.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kvd/json.h"

namespace holdfast::kvd {
namespace {

using std::string_literals::operator""s;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string Slurp(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

void Spill(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

struct Result {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// Where a run's standard output goes.
enum class Stdout { kFile, kClosed, kFull, kBrokenPipe };

class KvdTest : public testing::Test {
 protected:
  std::string File(std::string_view name) const {
    return directory_.File(name);
  }
  std::string Db() const { return File("db"); }

  // Starts kvd; the child's descriptors are files. RETURNS its process.
  pid_t Start(std::vector<std::string> words, int stdin_fd, int stdout_fd) {
    const char* const program = std::getenv("KVD");
    words.insert(words.begin(), program);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string err = File("stderr");
    const pid_t pid = fork();
    if (pid != 0) return pid;
    const int stderr_fd = open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(stderr_fd, STDERR_FILENO);
    dup2(stdin_fd, STDIN_FILENO);
    if (stdout_fd >= 0) {
      dup2(stdout_fd, STDOUT_FILENO);
    } else {
      close(STDOUT_FILENO);
    }
    execv(argv[0], argv.data());
    _exit(127);
  }

  int ExitCode(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  Result Run(const std::vector<std::string>& words, std::string_view input = "",
             Stdout where = Stdout::kFile) {
    Spill(File("stdin"), input);
    const int stdin_fd = open(File("stdin").c_str(), O_RDONLY | O_CLOEXEC);
    int stdout_fd = -1;
    switch (where) {
      case Stdout::kFile:
        stdout_fd = open(File("stdout").c_str(),
                         O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        break;
      case Stdout::kFull:
        stdout_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
        break;
      case Stdout::kBrokenPipe: {
        int ends[2];
        EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
        close(ends[0]);
        stdout_fd = ends[1];
        break;
      }
      case Stdout::kClosed:
        break;
    }
    Result result;
    result.exit_code = ExitCode(Start(words, stdin_fd, stdout_fd));
    close(stdin_fd);
    if (stdout_fd >= 0) close(stdout_fd);
    if (where == Stdout::kFile) result.out = Slurp(File("stdout"));
    result.err = Slurp(File("stderr"));
    return result;
  }

  // Runs and expects success and silence on standard error. RETURNS what it
  // wrote.
  std::string Ok(const std::vector<std::string>& words,
                 std::string_view input = "") {
    const Result result = Run(words, input);
    EXPECT_EQ(result.exit_code, 0) << words[0] << ": " << result.err;
    return result.out;
  }

  // Runs and parses the only line of standard output.
  Json OkJson(std::vector<std::string> words, int exit_code = 0) {
    words.emplace_back("--json");
    const Result result = Run(words);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    const auto json = ParseJson(result.out);
    EXPECT_TRUE(json.ok()) << json.status() << ": " << result.out;
    return json.ok() ? *json : Json();
  }

  std::vector<Json> JsonLines(const std::string& text) {
    std::vector<Json> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      const auto json = ParseJson(line);
      EXPECT_TRUE(json.ok()) << json.status() << ": " << line;
      if (json.ok()) lines.push_back(*json);
    }
    return lines;
  }

  // A database of a, b and c, in one table, closed.
  void MakeSmallDatabase() {
    Ok({"load", Db(), "-", "--quiet"}, "a\t1\nb\t2\nc\t3\n");
    Ok({"compact", Db(), "--quiet"});
  }

  // The path of the only table of the database: the last one added.
  std::string OnlyTable() {
    std::string number;
    for (const Json& line : JsonLines(Ok({"dump-manifest", Db(), "--json"}))) {
      if (!line.contains("added")) continue;
      for (const Json& table : line["added"]) number = table["number"].dump();
    }
    return Db() + "/" + std::string(6 - number.size(), '0') + number + ".sst";
  }

  const TempDirectory directory_;
};

// --- put, get, del -----------------------------------------------------------

TEST_F(KvdTest, PutsAndGets) {
  EXPECT_EQ(Ok({"put", "--create", Db(), "greeting", "hello"}), "");
  EXPECT_EQ(Ok({"get", Db(), "greeting"}), "hello");
  EXPECT_EQ(Ok({"put", Db(), "greeting", "bye", "--sync"}), "");
  EXPECT_EQ(Ok({"get", Db(), "greeting", "--raw"}), "bye");
  EXPECT_EQ(Ok({"get", Db(), "--hex", "6772656574696e67"}), "627965\n");
  EXPECT_EQ(Ok({"get", Db(), "--json", "greeting"}),
            "{\"key\":\"greeting\",\"value\":\"bye\"}\n");
}

TEST_F(KvdTest, AnAbsentKeyIsExitCode1) {
  MakeSmallDatabase();
  const Result result = Run({"get", Db(), "x\\x00"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "kvd: no key x\\x00 in " + Db() + "\n");
  EXPECT_EQ(Run({"get", Db(), "x", "-q"}).err, "");
  EXPECT_EQ(WriteJson(OkJson({"get", Db(), "x"}, 1)),
            "{\"key\":\"x\",\"found\":false}");
}

TEST_F(KvdTest, ValuesAndKeysAreAnyBytes) {
  const std::string value = "\0\xff\n\tbinary\n"s;
  Ok({"put", "--create", Db(), "\\x00\\xff", "-"}, value);
  EXPECT_EQ(Ok({"get", Db(), "\\x00\\xff"}), value);
  Ok({"put", Db(), "--hex", "00", "ff00"});
  EXPECT_EQ(Ok({"get", Db(), "\\x00"}), "\xff\0"s);
  Ok({"put", Db(), "", ""});
  EXPECT_EQ(Ok({"get", Db(), ""}), "");
  Ok({"put", Db(), "--", "-k", "--json"});
  EXPECT_EQ(Ok({"get", Db(), "--", "-k"}), "--json");
}

TEST_F(KvdTest, DeletesKeys) {
  MakeSmallDatabase();
  EXPECT_EQ(Ok({"del", Db(), "a", "c", "never"}), "");
  EXPECT_EQ(Ok({"scan", Db()}), "b\t2\n");
  EXPECT_EQ(OkJson({"del", Db(), "b"})["keys"], 1);
  EXPECT_EQ(Ok({"scan", Db()}), "");
}

// --- scan
// ---------------------------------------------------------------------

TEST_F(KvdTest, ScansRanges) {
  Ok({"load", Db(), "-", "-q"}, "a\t1\nb/1\t2\nb/2\t3\nb/3\t4\nc\\x09\tü\n");
  EXPECT_EQ(Ok({"scan", Db()}), "a\t1\nb/1\t2\nb/2\t3\nb/3\t4\nc\\x09\tü\n");
  EXPECT_EQ(Ok({"scan", Db(), "--prefix", "b/"}), "b/1\t2\nb/2\t3\nb/3\t4\n");
  EXPECT_EQ(Ok({"scan", Db(), "--prefix", "b/", "--reverse", "--limit", "2"}),
            "b/3\t4\nb/2\t3\n");
  EXPECT_EQ(Ok({"scan", Db(), "--from", "b/2", "--to", "c", "--keys-only"}),
            "b/2\nb/3\n");
  EXPECT_EQ(Ok({"scan", Db(), "--limit", "0"}), "");
  EXPECT_EQ(Ok({"scan", Db(), "--hex", "--from", "63"}), "6309\tc3bc\n");
  EXPECT_EQ(Ok({"scan", Db(), "--json", "--from", "b/3"}),
            "{\"key\":\"b/3\",\"value\":\"4\"}\n"
            "{\"key\":\"c\\t\",\"value\":\"ü\"}\n");
  EXPECT_EQ(Ok({"scan", Db(), "--json", "--keys-only", "--prefix", "a"}),
            "{\"key\":\"a\"}\n");
}

// --- load and dump
// ------------------------------------------------------------

TEST_F(KvdTest, LoadsJsonByTemplate) {
  const std::string lines =
      "{\"name\":\"Zürich\",\"country\":\"CH\"}\n"
      "{\"name\":\"Tokyo\",\"country\":\"JP\"}\n";
  Spill(File("in.jsonl"), lines);
  const Result result = Run({"load", Db(), File("in.jsonl"), "--key-template",
                             "city/{country}/{name}/{line:03}"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, StartsWith("loaded 2 records in "));
  EXPECT_EQ(Ok({"get", Db(), "city/CH/Zürich/001"}),
            "{\"name\":\"Zürich\",\"country\":\"CH\"}");
  EXPECT_EQ(Ok({"scan", Db(), "--keys-only"}),
            "city/CH/Zürich/001\ncity/JP/Tokyo/002\n");
}

TEST_F(KvdTest, AcknowledgesEachBatch) {
  EXPECT_EQ(Ok({"load", Db(), "-", "--ack", "--batch", "2"},
               "a\t1\nb\t2\nc\t3\nd\t4\ne\t5\n"),
            "ack 2\nack 4\nack 5\n");
  const std::vector<Json> lines = JsonLines(Ok(
      {"load", Db(), "-", "--ack", "--json", "--batch", "1"}, "a\t1\nb\t2\n"));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1]["ack"], 2);
  EXPECT_EQ(lines[2]["records"], 2);
}

TEST_F(KvdTest, GoesOnWhereItStopped) {
  EXPECT_EQ(Ok({"load", Db(), "-", "--skip", "2", "--ack", "--sync"},
               "a\t1\nb\t2\nc\t3\n"),
            "ack 3\n");
  EXPECT_EQ(Ok({"scan", Db()}), "c\t3\n");
  const Result result = Run({"load", Db(), "-", "--skip", "5"}, "a\t1\n");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("has only 1 records"));
}

TEST_F(KvdTest, ABadLineStopsAfterWhatCameBefore) {
  const Result result =
      Run({"load", Db(), "-", "--batch", "2"}, "a\t1\nb\t2\nc\t3\nbad\n");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("standard input:4: no tab"),
                    HasSubstr("the first 3 records are in (go on with "
                              "--skip 3)")));
  EXPECT_EQ(Ok({"scan", Db(), "--keys-only"}), "a\nb\nc\n");
}

TEST_F(KvdTest, AMissingInputMakesNoDatabase) {
  const Result result = Run({"load", Db(), File("nowhere.jsonl")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("nowhere.jsonl"));
  EXPECT_FALSE(Exists(Db()));
}

TEST_F(KvdTest, DumpsAndLoadsAnyBytes) {
  // Every pair of bytes as a key and turned round as a value.
  std::string hex;
  const char digits[] = "0123456789abcdef";
  const auto append = [&](int byte) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  };
  for (int high = 0; high < 256; ++high) {
    for (int low = 0; low < 256; low += 5) {
      append(high), append(low), hex += '\t', append(low), append(high);
      hex += '\n';
    }
  }
  Ok({"load", Db(), "-", "--hex", "-q"}, hex);
  const std::string want = Ok({"scan", Db(), "--hex"});
  ASSERT_GT(want.size(), 10'000u);
  int copies = 0;
  for (const std::vector<std::string>& format :
       std::vector<std::vector<std::string>>{{},
                                             {"--hex"},
                                             {"--format", "tsv"},
                                             {"--format", "escaped"},
                                             {"--format", "tsv", "--hex"}}) {
    const std::string copy = File("copy" + std::to_string(copies++));
    std::vector<std::string> dump = {"dump", Db(), "-q", "-o", copy + ".txt"};
    dump.insert(dump.end(), format.begin(), format.end());
    EXPECT_EQ(Ok(dump), "");
    std::vector<std::string> load = {"load", copy, copy + ".txt", "-q"};
    if (format.size() == 3) load.emplace_back("--hex");
    Ok(load);
    EXPECT_EQ(Ok({"scan", copy, "--hex"}), want) << copies;
  }
}

TEST_F(KvdTest, DumpsInItsFormats) {
  Ok({"load", Db(), "-", "-q"}, "ü\t1\n\\xff\t2\n");
  EXPECT_EQ(Run({"dump", Db()}).err, "dumped 2 entries\n");
  EXPECT_EQ(Ok({"dump", Db(), "-q"}),
            "{\"key\":\"ü\",\"value\":\"1\"}\n"
            "{\"key_hex\":\"ff\",\"value\":\"2\"}\n");
  EXPECT_EQ(Ok({"dump", Db(), "--format", "tsv"}), "ü\t1\n\\xff\t2\n");
  EXPECT_EQ(Ok({"dump", Db(), "--format", "escaped"}),
            "\\xc3\\xbc\t1\n\\xff\t2\n");
}

// --- compact, stats, verify
// ---------------------------------------------------

TEST_F(KvdTest, CompactsAndCounts) {
  Ok({"load", Db(), "-", "-q"}, "a\t1\nb\t2\nc\t3\n");
  Ok({"del", Db(), "a"});
  const Result result = Run({"compact", Db()});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("after:  1 tables with 2 entries"));
  const Json stats = OkJson({"stats", Db()});
  EXPECT_EQ(stats["health"], "healthy");
  EXPECT_EQ(stats["last_sequence"], 4);
  uint64_t entries = 0;
  for (const Json& level : stats["levels"]) {
    entries += level["entries"].get<uint64_t>();
  }
  EXPECT_EQ(entries, 2u);
  EXPECT_EQ(
      OkJson({"compact", Db(), "--from", "a", "--to", "z"})["after"]["tables"],
      1);
  const std::string text = Ok({"stats", Db()});
  EXPECT_THAT(text, StartsWith("health: healthy\n\nlevel  tables  entries"));
  EXPECT_THAT(text, HasSubstr("\nlast_sequence"));
}

TEST_F(KvdTest, VerifiesAGoodDatabase) {
  MakeSmallDatabase();
  EXPECT_EQ(Ok({"verify", Db()}), "ok: 1 tables, 3 entries\n");
  EXPECT_EQ(WriteJson(OkJson({"verify", Db()})),
            "{\"ok\":true,\"tables\":1,\"entries\":3,\"damage\":[]}");
}

TEST_F(KvdTest, VerifyNamesTheDamage) {
  MakeSmallDatabase();
  const std::string table = OnlyTable();
  std::string bytes = Slurp(table);
  bytes[3] = static_cast<char>(bytes[3] ^ 1);
  Spill(table, bytes);
  const Result result = Run({"verify", Db()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, AllOf(StartsWith("damage: "), HasSubstr(table),
                                HasSubstr("at offset ")));
  EXPECT_EQ(OkJson({"verify", Db()}, 1)["ok"], false);
  // The other commands stop at it with another code.
  EXPECT_EQ(Run({"get", Db(), "a"}).exit_code, 3);
  EXPECT_EQ(Run({"scan", Db()}).exit_code, 3);
  EXPECT_EQ(Run({"dump", Db(), "-o", File("out")}).exit_code, 3);
  EXPECT_FALSE(Exists(File("out")));
  EXPECT_FALSE(Exists(File("out.partial")));
  EXPECT_EQ(Run({"dump-sstable", table}).exit_code, 3);
}

TEST_F(KvdTest, ADamagedManifestIsFoundToo) {
  MakeSmallDatabase();
  Spill(Db() + "/CURRENT", "nonsense\n");
  EXPECT_EQ(Run({"verify", Db()}).exit_code, 1);
  const Result result = Run({"get", Db(), "a"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("CURRENT"));
}

// --- Looking into files
// -------------------------------------------------------

TEST_F(KvdTest, DumpsATable) {
  MakeSmallDatabase();
  const std::string text = Ok({"dump-sstable", OnlyTable()});
  EXPECT_THAT(text, HasSubstr("# 3 entries, of these 0 tombstones"));
  EXPECT_THAT(text, EndsWith("1\tput\ta\t1\n2\tput\tb\t2\n3\tput\tc\t3\n"));
  const std::string name = OnlyTable();
  const std::string number =
      std::to_string(std::stoi(name.substr(name.size() - 10, 6)));
  const std::vector<Json> lines =
      JsonLines(Ok({"dump-sstable", Db(), number, "--json", "--limit", "1"}));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["entries"], 3);
  EXPECT_EQ(lines[1]["key"], "a");
  EXPECT_EQ(lines[1]["sequence"], 1);
}

TEST_F(KvdTest, DumpsALog) {
  Ok({"load", Db(), "-", "-q"}, "a\t1\nb\t2\n");
  std::string number;
  for (int n = 1; n < 20 && number.empty(); ++n) {
    std::string name = std::to_string(n);
    name = Db() + "/" + std::string(6 - name.size(), '0') + name + ".wal";
    if (Exists(name)) number = std::to_string(n);
  }
  const std::string text = Ok({"dump-wal", Db(), number});
  EXPECT_THAT(text, HasSubstr("1\tput\ta\t1\n2\tput\tb\t2\n"));
  EXPECT_THAT(text, HasSubstr("# end at offset "));
  const std::vector<Json> lines =
      JsonLines(Ok({"dump-wal", Db(), number, "--json"}));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[2]["change"], "put");
  EXPECT_EQ(lines[3]["torn"], false);
}

TEST_F(KvdTest, DumpsAManifest) {
  MakeSmallDatabase();
  EXPECT_THAT(Ok({"dump-manifest", Db()}),
              AllOf(StartsWith("# manifest " + Db() + "/MANIFEST-"),
                    HasSubstr("3 entries, a @ 1 .. c @ 3")));
}

TEST_F(KvdTest, InspectionNeedsAFile) {
  MakeSmallDatabase();
  for (const char* command : {"dump-sstable", "dump-wal", "dump-manifest"}) {
    EXPECT_EQ(Run({command, File("nothing")}).exit_code, 2) << command;
    EXPECT_EQ(Run({command, Db(), "99"}).exit_code, 2) << command;
    EXPECT_EQ(Run({command, Db(), "x"}).exit_code, 2) << command;
    Spill(File("junk"), "this is no file of a database, whatever you think");
    EXPECT_EQ(Run({command, File("junk")}).exit_code, 3) << command;
  }
}

// --- Paths and exit codes
// -----------------------------------------------------

TEST_F(KvdTest, NoCommandMakesADatabaseOfAMistypedPath) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"get", Db(), "a"},
                                             {"put", Db(), "a", "b"},
                                             {"del", Db(), "a"},
                                             {"scan", Db()},
                                             {"dump", Db()},
                                             {"compact", Db()},
                                             {"stats", Db()},
                                             {"verify", Db()}}) {
    const Result result = Run(words);
    EXPECT_EQ(result.exit_code, 2) << words[0];
    EXPECT_THAT(result.err, AllOf(StartsWith("kvd: " + words[0] +
                                             ": no database at " + Db()),
                                  HasSubstr("kvd load " + Db() + " FILE")));
    EXPECT_EQ(result.out, "");
    EXPECT_FALSE(Exists(Db())) << words[0];
  }
}

TEST_F(KvdTest, UsageErrorsAreExitCode2) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{
           {},
           {"gte"},
           {"get"},
           {"get", Db(), "a\\q"},
           {"get", Db(), "a", "b"},
           {"scan", Db(), "--limit", "x"},
           {"load", Db(), "-", "--batch", "0"},
           {"load", Db(), "-", "--key-template", "{"},
           {"put", "--create", Db(), "a", "b", "--memtable-bytes", "1"}}) {
    const Result result = Run(words);
    EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(words);
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err, "");
  }
  EXPECT_THAT(Run({"gte"}).err, HasSubstr("did you mean get?"));
}

TEST_F(KvdTest, HelpAndVersion) {
  EXPECT_THAT(Ok({"help"}), HasSubstr("dump-manifest"));
  EXPECT_THAT(Ok({"--version"}), StartsWith("kvd "));
  for (const char* command :
       {"put", "get", "del", "scan", "load", "dump", "compact", "stats",
        "verify", "dump-sstable", "dump-wal", "dump-manifest"}) {
    const std::string help = Ok({command, "--help"});
    EXPECT_THAT(help, HasSubstr("\n\n  kvd "s + command));
    EXPECT_THAT(help, AllOf(HasSubstr("--json"), HasSubstr("--hex")));
    EXPECT_EQ(Ok({"help", command}), help);
  }
}

TEST_F(KvdTest, AnUnknownFormatVersionIsExitCode6) {
  MakeSmallDatabase();
  const std::string path = Db() + "/CURRENT";
  absl::StatusOr<CurrentFile> current = DecodeCurrent(path, Slurp(path));
  ASSERT_TRUE(current.ok()) << current.status();
  current->version = 99;
  Spill(path, EncodeCurrent(*current));
  for (const char* command : {"scan", "verify", "dump-manifest"}) {
    const Result result = Run({command, Db()});
    EXPECT_EQ(result.exit_code, 6) << command;
    EXPECT_THAT(result.err, AllOf(HasSubstr("CURRENT"), HasSubstr("99")));
  }
}

// --- Fault plans -------------------------------------------------------------

#ifdef NDEBUG
TEST_F(KvdTest, ReleaseBuildsHaveNoFaultPlans) {
  const Result result =
      Run({"put", "--create", Db(), "a", "1", "--fault-plan", "* * @1 eio"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--fault-plan"));
  EXPECT_FALSE(Exists(Db()));
}
#else
TEST_F(KvdTest, FaultPlanMakesCallsFail) {
  Ok({"put", "--create", Db(), "a", "1"});
  const Result failed =
      Run({"put", Db(), "a", "2", "--fault-plan", "sync *.wal @1 eio"});
  EXPECT_EQ(failed.exit_code, 5);
  EXPECT_THAT(failed.err, HasSubstr(".wal: Input/output error"));
  EXPECT_THAT(failed.err, Not(HasSubstr("never fired")));
  const Result full = Run({"put", Db(), "b", "1", "--fault-plan", "space 0"});
  EXPECT_EQ(full.exit_code, 5);
  EXPECT_THAT(full.err, HasSubstr("No space left on device"));
  EXPECT_EQ(Run({"get", Db(), "b"}).exit_code, 1);
}

TEST_F(KvdTest, FaultPlanKillsTheProcess) {
  Ok({"put", "--create", Db(), "a", "1"});
  const Result killed =
      Run({"put", Db(), "b", "2", "--fault-plan", "rename CURRENT @1 kill"});
  EXPECT_EQ(killed.exit_code, 1000 + SIGKILL);
  EXPECT_EQ(Ok({"get", Db(), "a"}), "1");
  EXPECT_EQ(Run({"get", Db(), "b"}).exit_code, 1);
}

TEST_F(KvdTest, TellsFaultsThatNeverFired) {
  Ok({"put", "--create", Db(), "a", "1"});
  const Result result =
      Run({"get", Db(), "a", "--quiet", "--fault-plan",
           "open CURRENT @1 delay:1; sync nothing @1 eio; space 1000000"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "1");
  EXPECT_EQ(result.err,
            "kvd: fault plan: never fired: sync nothing @1 eio; "
            "space 1000000\n");
}

TEST_F(KvdTest, RefusesABadFaultPlanWithReason) {
  const Result result = Run({"put", "--create", Db(), "a", "1", "--fault-plan",
                             "sync * @1 eio; sync * @0 eio"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("rule 2 \"sync * @0 eio\": \"@0\": when "
                                    "is @N"));
  EXPECT_FALSE(Exists(Db()));
}
#endif

// --- Output that cannot be written -------------------------------------------

TEST_F(KvdTest, OutputThatFailsIsExitCode5) {
  MakeSmallDatabase();
  for (const Stdout where :
       {Stdout::kClosed, Stdout::kFull, Stdout::kBrokenPipe}) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"get", Db(), "a"},
                                               {"get", Db(), "no", "--json"},
                                               {"scan", Db()},
                                               {"dump", Db(), "-q"},
                                               {"stats", Db()},
                                               {"verify", Db()},
                                               {"dump-manifest", Db()},
                                               {"help"},
                                               {"--version"}}) {
      const Result result = Run(words, "", where);
      EXPECT_EQ(result.exit_code, 5) << words[0];
      EXPECT_THAT(result.err, HasSubstr("cannot write standard output"));
    }
    const Result load = Run({"load", Db(), "-", "--ack"}, "d\t4\n", where);
    EXPECT_EQ(load.exit_code, 5);
  }
  // Closed descriptors were not taken for files of the database.
  EXPECT_EQ(Ok({"verify", Db()}).substr(0, 3), "ok:");
  EXPECT_EQ(Run({"put", Db(), "e", "5"}, "", Stdout::kClosed).exit_code, 0);
  EXPECT_EQ(Ok({"get", Db(), "e"}), "5");
}

TEST_F(KvdTest, AFullDiskIsExitCode5) {
  MakeSmallDatabase();
  EXPECT_EQ(Run({"dump", Db(), "-o", File("no/such/directory")}).exit_code, 2);
  Spill(File("out.partial"), "");
  EXPECT_EQ(Run({"dump", Db(), "-o", File("out")}).exit_code, 2);
}

// --- Other processes and signals
// ----------------------------------------------

class KvdProcessTest : public KvdTest {
 protected:
  // Starts `kvd load DB -` and feeds it; it waits for more.
  void StartLoad() {
    int in[2];
    int out[2];
    ASSERT_EQ(pipe2(in, O_CLOEXEC), 0);
    ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
    load_ = Start({"load", Db(), "-", "--ack", "--batch", "1"}, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    input_ = in[1];
    ASSERT_EQ(write(input_, "a\t1\n", 4), 4);
    char ack[6] = {};
    ASSERT_EQ(read(out[0], ack, 6), 6);
    ASSERT_EQ(std::string(ack, 6), "ack 1\n");
    output_ = out[0];
  }

  pid_t load_ = -1;
  int input_ = -1;
  int output_ = -1;
};

TEST_F(KvdProcessTest, ADatabaseInUseIsExitCode4) {
  StartLoad();
  const std::string err_of_load = File("stderr");
  const Result result = Run({"get", Db(), "a"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr(Db() + " is in use"));
  close(input_);
  EXPECT_EQ(ExitCode(load_), 0);
  EXPECT_EQ(Ok({"get", Db(), "a"}), "1");
}

TEST_F(KvdProcessTest, CtrlCEndsALoadCleanly) {
  for (int signal : {SIGINT, SIGTERM}) {
    StartLoad();
    kill(load_, signal);
    EXPECT_EQ(ExitCode(load_), 130);
    EXPECT_THAT(Slurp(File("stderr")),
                HasSubstr("interrupted: the first 1 records are in (go on "
                          "with --skip 1)"));
    EXPECT_EQ(Ok({"get", Db(), "a"}), "1");
    close(input_);
    close(output_);
  }
}

TEST_F(KvdProcessTest, AKilledLoadLosesNothingAcknowledged) {
  StartLoad();
  kill(load_, SIGKILL);
  EXPECT_EQ(ExitCode(load_), 1000 + SIGKILL);
  EXPECT_EQ(Ok({"get", Db(), "a"}), "1");
  EXPECT_THAT(Ok({"verify", Db()}), StartsWith("ok: "));
}

}  // namespace
}  // namespace holdfast::kvd
