#include "fuzz/text/seeds.h"

#include <lz4frame.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "chaos/db/generate.h"
#include "chaos/db/workload.h"
#include "chaos/db/workloads.h"
#include "fuzz/seeds/seed_sink.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/record_writer.h"
#include "kvd/text.h"

namespace holdfast {
namespace {

// The bytes of a literal, zeros too.
template <size_t N>
std::string Raw(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

// Adds each text under a name with its number, "refused-3".
void AddAll(SeedSink& sink, std::string_view target, std::string_view name,
            absl::Span<const std::string_view> texts,
            std::string_view head = "", std::string_view tail = "") {
  for (size_t i = 0; i < texts.size(); ++i) {
    sink.Add(target, absl::StrCat(name, "-", i + 1),
             absl::StrCat(head, texts[i], tail));
  }
}

// --- Faults, choices, lines --------------------------------------------------

void AddFaultPlans(SeedSink& sink) {
  constexpr std::string_view kTarget = "fault_plan_fuzz";
  for (const ReferenceWorkload& workload : ReferenceWorkloads()) {
    int number = 0;
    for (const WorkloadStep& step : workload.Parsed().steps) {
      if (step.verb != "fault") continue;
      std::string plan = absl::StrJoin(step.words, " ");
      std::replace(plan.begin(), plan.end(), '|', ';');
      sink.Add(kTarget, absl::StrCat("workload-", workload.name, "-", ++number),
               plan);
    }
  }
  AddAll(sink, kTarget, "rule",
         {"open * @1 eio",
          "create *.sst @1 enospc",
          "lock * @1 emfile",
          "close * @1 eintr",
          "list /db @1 eacces",
          "rename * @1 done-eio",
          "read * @1 short:0",
          "write * @1 torn:511",
          "sync * @1 lies",
          "syncdir * @1 lost",
          "* * @1 fails-late",
          "read * ~5 flip:12",
          "* /db/*.sst @2+ zero:3",
          "read * @7x2 stale:0",
          "write * @1 offset:-512",
          "write * @1 file:/db/CURRENT",
          "stat * @1 delay:250",
          "remove * @1 kill",
          "link ??.wal @1 done-kill",
          "space 4096; sync * @1 fails-keeps-new; read * @2 fails-reverts",
          "space unlimited",
          "; ;",
          "sink * @1 eio",
          "sync * @0 eio",
          "sync * @1 oops",
          "read * @1 flip:x",
          "read * @1 flip:",
          "write * @1 lies",
          "open * @1 torn:1",
          "space 1; space 2",
          "space -1",
          "space",
          "sync * @1 eio now",
          "sync * ~0 eio",
          "sync * @1x0 eio",
          "sync * 1 eio",
          "sync * @1 eio:3"});
  sink.Add(kTarget, "fields", Raw("\x01\x04\x0d\x00\x11\x07\x01"));
}

void AddChoices(SeedSink& sink) {
  constexpr std::string_view kTarget = "persistence_choice_fuzz";
  // Two sectors that a file grew by, its size, and its rename over another.
  const std::string units = Raw("\x2a\x3c\x2a\x00\x01\x01\x29\xc0");
  const std::string choice = "\x04" + units + Raw("\0\1\0\1\1");
  AddAll(sink, kTarget, "choice",
         {"kept", "none", "kept 3=0", "none 0=1 2=1", "kept 0=2 1=3", "some",
          "kept x=1", "kept 999=0", "none 0=99", ""},
         choice);
  // Of each of ten profiles: 13 is one more than the most units.
  for (int profile = 0; profile < 10; ++profile) {
    const std::string head(1, static_cast<char>(4 + 13 * profile));
    AddAll(sink, kTarget, absl::StrCat("profile-", profile),
           {Raw("\1\1\1\1\1"), Raw("\0\0\1\1\0"), Raw("\1\0\1\0\0"),
            Raw("\2\0\1\0\0"), Raw("\5\1\1\1\0"), Raw("\1\1\0\1\0"),
            Raw("\1\1\1\2\0"), Raw("\0\0\0\0\0")},
           head + units);
  }
}

void AddReplayLines(SeedSink& sink) {
  constexpr std::string_view kTarget = "replay_line_fuzz";
  AddAll(sink, kTarget, "line",
         {"flush posix 17:none 4:kept 3=0",
          "{open create; put a 1} xfs faults={sync *.wal @2 lost; write * @1 "
          "eio} seed=7 1:kill",
          "{put a '} posix-torn 1:drop 0:kill", "flush posix seed=x 1:kill",
          "flush posix recovery={rename * @1 eio} seed=3 1:kill 2:none",
          "flush posix recovery={sync 1:kill",
          "flush posix faults={sync 1:kill", "flush posix", "",
          "17:none 0:kill 4:kept 3=0 5=2", "-1:none", "17:", "kept 3=0"});
}

// --- Workloads and options ---------------------------------------------------

void AddWorkloads(SeedSink& sink) {
  constexpr std::string_view kTarget = "workload_text_fuzz";
  for (const ReferenceWorkload& workload : ReferenceWorkloads()) {
    sink.Add(kTarget, absl::StrCat("workload-", workload.name), workload.text);
  }
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    sink.Add(kTarget, absl::StrCat("generated-", seed),
             GenerateWorkload(seed).Text());
  }
  AddAll(sink, kTarget, "refused",
         {"pt a 1", "put a", "put a 1 sync 2", "!", "?nothing", " ; ;; "});
}

void AddOptionTexts(SeedSink& sink) {
  constexpr std::string_view kTarget = "options_text_fuzz";
  for (const OptionRange& range : OptionsWorthTrying()) {
    std::vector<std::string> words;
    for (const std::string_view value : range.values) {
      words.push_back(absl::StrCat(range.name, "=", value));
    }
    sink.Add(kTarget, range.name, absl::StrJoin(words, " "));
  }
  sink.Add(kTarget, "all",
           "memtable=128k memtables=3 block=4k restart=16 cache=64k "
           "compression=zstd bloom=10 open_tables=16 table=64k l0=2 "
           "slowdown=20 stop=36 l1=64k multiplier=2 noauto=1 roll=4k");
  AddAll(sink, kTarget, "refused",
         {"memtable=x", "memtable=", "memtable", "compression=7", "colour=red",
          "l0=4294967297", "memtable=18014398509481984k", "noauto=2",
          "l0=20 "
          "slowdown=3",
          "stop=3", "block=255", "roll=9999999999999"});
  sink.Add(kTarget, "counts",
           "0 010 65536 64KiB 3MiB 1GiB 2TiB 18446744073709551615 -1 +1 "
           "99999999999TiB KiB 1KB");
}

// --- kvd's text --------------------------------------------------------------

// Keys and values of each kind.
std::vector<std::pair<std::string, std::string>> SomeRecords() {
  return {{"city/CH/Z\xc3\xbcrich", "{\"name\":\"Z\xc3\xbcrich\",\"n\":1}"},
          {Raw("a\0b"), Raw("\xff\x00\x7f")},
          {"tab\there", "line\nend\r\\"},
          {"{\"key\":1}", "{}"},
          {"", ""},
          {"\xe2\x80\xae", "\xf0\x9f\x8f\x94"}};
}

std::string Dump(bool hex) {
  std::string text;
  for (const auto& [key, value] : SomeRecords()) {
    kvd::AppendJsonLine(key, value, hex, &text);
  }
  return text;
}

std::string Dump(kvd::Notation notation) {
  std::string text;
  for (const auto& [key, value] : SomeRecords()) {
    kvd::AppendTsvLine(key, value, notation, &text);
  }
  return text;
}

std::string Cities() {
  std::string text;
  for (int i = 0; i < 12; ++i) {
    absl::StrAppend(&text, "{\"country\":\"AD\",\"name\":\"Vila ", i % 5,
                    "\",\"a\":{\"b\":", i, ".5},\"line\":true,\"n\":-", i,
                    "}\n");
  }
  return text;
}

std::string Lz4Frame(std::string_view bytes, bool checksums) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  if (checksums) {
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
    preferences.frameInfo.contentSize = bytes.size();
  }
  std::string frame(LZ4F_compressFrameBound(bytes.size(), &preferences), '\0');
  const size_t n = LZ4F_compressFrame(frame.data(), frame.size(), bytes.data(),
                                      bytes.size(), &preferences);
  HF_CHECK(!LZ4F_isError(n));
  frame.resize(n);
  return frame;
}

void AddTexts(SeedSink& sink) {
  int number = 0;
  for (const auto& [key, value] : SomeRecords()) {
    ++number;
    sink.Add("kvd_text_fuzz", absl::StrCat("bytes-", number),
             absl::StrCat(key, value));
    sink.Add("kvd_text_fuzz", absl::StrCat("escaped-", number),
             kvd::EncodeText(kvd::Notation::kEscapedAscii, key + value));
    sink.Add("kvd_text_fuzz", absl::StrCat("hex-", number),
             kvd::EncodeText(kvd::Notation::kHex, key + value));
  }
  sink.Add("kvd_text_fuzz", "by-hand", "a\\tb\\n\\r\\\\\\x00\\xFf");
  sink.Add("kvd_text_fuzz", "refused", "ab\\q");
  sink.Add("kvd_text_fuzz", "refused-hex", "0g");
  AddAll(sink, "suggest_fuzz", "words",
         {"scan stats verify sacn", "get put gte", "dump-sstable dump_sstable",
          "put get frobnicate", "--json --hex --jsno", "kitten sitting"});

  sink.Add("json_fuzz", "dump-line", Dump(false).substr(0, 60));
  sink.Add("json_fuzz", "hex-line", "{\"key_hex\":\"00ff\",\"value\":\"a\"}");
  sink.Add("json_fuzz", "city", Cities().substr(0, Cities().find('\n')));
  sink.Add("json_fuzz", "values",
           "[null,true,false,0,-1,1.5,-0.0,1e300,18446744073709551615,"
           "\"\\u0000\\ud83c\\udfd4\\n\",{},[],{\"a\":1,\"a\":2}]");
  sink.Add("json_fuzz", "both-keys", "{\"key\":\"a\",\"key_hex\":\"61\"}");
  sink.Add("json_fuzz", "no-string", "{\"key\":5}");
  sink.Add("json_fuzz", "bad-hex", "{\"key_hex\":\"6\"}");
  sink.Add("json_fuzz", "no-key", "{}");
  sink.Add("json_fuzz", "too-large", "1e400");
  sink.Add("json_fuzz", "cut", "{\"a\":1");
  sink.Add("json_fuzz", "wrong", "{\"a\":x}");
  sink.Add("json_fuzz", "deepest",
           std::string(100, '[') + std::string(100, ']'));
  sink.Add("json_fuzz", "too-deep", std::string(101, '['));
  std::string many = "{";
  for (int i = 0; i < 40; ++i) {
    absl::StrAppend(&many, i == 0 ? "" : ",", "\"k", i % 30, "\":", i);
  }
  sink.Add("json_fuzz", "many-keys", many + "}");

  AddAll(sink, "key_template_fuzz", "template",
         {"{a}/{line}", "city/{country}/{name}/{line:08}", "{a.b}{.line}",
          "{{{a}}}", "{", "}", "{}", "{a:2}", "{line:8}", "{line:021}",
          "{a..b}", "{missing}", "{list}", ""},
         "",
         "\n{\"a\":{\"b\":1},\"country\":\"AD\",\"name\":\"x\",\"line\":true,"
         "\"list\":[]}");
  sink.Add("key_template_fuzz", "parts",
           Raw("\x01\x07\0\0\0\0\0\0\0\x00\x02x{\x01\x02\x08\x03"
               "\x02na\x01i\x01\x00\x03\x04text\x04\x01m\x00\x00"
               "\x01\x02\x01"));
}

void AddRecords(SeedSink& sink) {
  constexpr std::string_view kTarget = "record_reader_fuzz";
  // Format and notation, template, form of writing, limit of a line, pieces.
  const auto add = [&](std::string_view name, uint8_t shape, uint8_t keys,
                       uint8_t limit, std::string_view file) {
    std::string bytes;
    bytes.push_back(static_cast<char>(shape));
    bytes.push_back(static_cast<char>(keys));
    bytes.push_back('\2');
    bytes.push_back(static_cast<char>(limit));
    sink.Add(kTarget, name, absl::StrCat(bytes, Raw("\x03\x01\x02\x05"), file));
  };
  sink.Add(kTarget, "memory",
           absl::StrCat(Raw("\x01\xff\xff\xff\x00"), Cities()));
  constexpr uint8_t kNoTemplate = 0xff;
  constexpr uint8_t kNoLimit = 0xff;
  add("jsonl", 0, kNoTemplate, kNoLimit, Dump(false));
  add("jsonl-hex", 1, kNoTemplate, kNoLimit, Dump(true));
  add("tsv", 0, kNoTemplate, kNoLimit, Dump(kvd::Notation::kEscaped));
  add("tsv-ascii", 6, kNoTemplate, kNoLimit,
      Dump(kvd::Notation::kEscapedAscii));
  add("tsv-hex", 8, kNoTemplate, kNoLimit, Dump(kvd::Notation::kHex));
  add("lines-ended-as-elsewhere", 0, kNoTemplate, kNoLimit, "\r\na\tb\r\n");
  add("jsonl-lz4", 0, kNoTemplate, kNoLimit, Lz4Frame(Dump(false), false));
  add("tsv-lz4-checksums", 0, kNoTemplate, kNoLimit,
      Lz4Frame(Dump(kvd::Notation::kEscaped), true));
  add("lz4-cut", 0, kNoTemplate, kNoLimit,
      Lz4Frame(Dump(false), true).substr(0, 60));
  add("cities", 0, 1, kNoLimit, Cities());
  add("cities-nested", 0, 2, kNoLimit, Cities());
  add("cities-lz4", 0, 1, kNoLimit, Lz4Frame(Cities(), false));
  add("field-missing", 0, 1, kNoLimit, "{\"name\":\"x\"}\n");
  add("field-no-text", 0, 0, kNoLimit, "{\"a\":[1]}\n");
  add("template-for-tsv", 2, 0, kNoLimit, "a\tb\n");
  add("line-too-long", 0, kNoTemplate, 9, "a\tb\na\t123456789\n");
  add("no-tab", 2, kNoTemplate, kNoLimit, "a\tb\nab\n");
  add("three-columns", 2, kNoTemplate, kNoLimit, "a\tb\tc");
  add("bad-escape-in-key", 2, kNoTemplate, kNoLimit, "a\\q\tb");
  add("bad-escape-in-value", 2, kNoTemplate, kNoLimit, "a\tb\\");
  add("not-json", 1, kNoTemplate, kNoLimit, "{\"key\":\n");
  add("no-value", 1, kNoTemplate, kNoLimit, "{\"key\":\"a\"}");
  add("no-key", 1, kNoTemplate, kNoLimit, "{\"a\":1}");
}

void AddLz4Frames(SeedSink& sink) {
  constexpr std::string_view kTarget = "lz4_frame_fuzz";
  const std::string any = Raw("\x00\x02\x05\x00\x10\x00");
  const std::string text = Dump(false);
  sink.Add(kTarget, "plain", absl::StrCat(any, "plain text"));
  sink.Add(kTarget, "short", absl::StrCat(any, "abc"));
  sink.Add(kTarget, "frame", any + Lz4Frame(text, false));
  sink.Add(kTarget, "frame-with-checksums", any + Lz4Frame(text, true));
  sink.Add(kTarget, "two-frames",
           any + Lz4Frame("a", false) + Lz4Frame("b", true));
  sink.Add(kTarget, "junk-after-frame", any + Lz4Frame("a", false) + "junk");
  sink.Add(kTarget, "cut", any + Lz4Frame(text, true).substr(0, 50));
  sink.Add(kTarget, "long-run",
           any + Lz4Frame(std::string(300'000, 'x'), true));
  for (const uint8_t shape : {0x00, 0x04, 0x08, 0x1f, 0x7e}) {
    std::string bytes = Raw("\x01\x03\x00\x09\x03\x40\x00");
    bytes.push_back(static_cast<char>(shape));
    bytes.append(Raw("\x1b\x41\x20\x00\x1e"));
    sink.Add(kTarget, absl::StrCat("honest-", shape), bytes + text);
  }
}

// --- Command lines -----------------------------------------------------------

// The words that a shell makes of a line without anything but plain quotes;
// a redirection and what follows a pipe are not words of it.
std::vector<std::string> ShellWords(std::string_view line) {
  std::vector<std::string> words;
  bool quoted = false;
  bool begun = false;
  for (const char c : line) {
    if (!quoted && (c == '<' || c == '|' || c == '>')) break;
    if (c == '\'') {
      quoted = !quoted;
    } else if (!quoted && c == ' ') {
      begun = false;
      continue;
    }
    if (!begun) words.emplace_back();
    begun = true;
    if (c != '\'') words.back().push_back(c);
  }
  return words;
}

void AddCommandLines(SeedSink& sink) {
  constexpr std::string_view kTarget = "kvd_arguments_fuzz";
  const auto add = [&](std::string_view name,
                       const std::vector<std::string>& words) {
    sink.Add(kTarget, name, absl::StrJoin(words, Raw("\0")));
  };
  for (const auto& command : kvd::NewCommands()) {
    const std::string name(command->about().name);
    int number = 0;
    for (const std::string_view line :
         absl::StrSplit(command->about().examples, '\n', absl::SkipEmpty())) {
      std::vector<std::string> words = ShellWords(line);
      if (words.empty() || words[0] != "kvd") continue;
      words.erase(words.begin());
      add(absl::StrCat("example-", name, "-", ++number), words);
    }
    add(absl::StrCat("help-", name), {name, "--help"});
  }
  add("nothing", {});
  add("help", {"help"});
  add("version", {"--version"});
  add("unknown", {"frobnicate"});
  add("mistyped", {"scna", "/db"});
  add("mistyped-option", {"scan", "/db", "--limti", "5"});
  add("fault-plan", {"get", "/db", "a", "--fault-plan", "sync *.wal @2 eio"});
  add("bad-fault-plan", {"get", "/db", "a", "--fault-plan", "sink"});
  add("flag-with-value", {"get", "/db", "a", "--json=maybe"});
  add("probe", {"probe", "/db", "--hex", "k1", "--limit", "9", "k2"});
  add("probe-all",
      {"probe", "/db", "a", "-o", "w", "--format", "tsv", "--from=b", "--bytes",
       "64KiB", "--sync", "--json", "-q", "--limit=3"});
  add("probe-odd-words", {"probe", "[a,b]", "{}", "%%", "a=b", "-",
                          "\x01"
                          "a",
                          "", "--", "-k", "--json"});
  add("probe-bad-number", {"probe", "/db", "k", "--limit", "-1"});
}

}  // namespace

void AddTextSeeds(SeedSink& sink) {
  AddFaultPlans(sink);
  AddChoices(sink);
  AddReplayLines(sink);
  AddWorkloads(sink);
  AddOptionTexts(sink);
  AddTexts(sink);
  AddRecords(sink);
  AddLz4Frames(sink);
  AddCommandLines(sink);
}

}  // namespace holdfast
