// No change of any byte in any file gives a wrong answer: each reading gives
// what was written, or fails with kDataLoss that names a file and an offset.
//
// Small databases are made in memory, one file of a copy is damaged, and
// everything is read. A log that was not closed is the exception that the last
// tests are about: its unsynced end may be lost, whole writes from the end.

#include <algorithm>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"
#include "tests/util/contents.h"
#include "tests/util/manual_executor.h"
#include "tests/util/memory_file_system.h"
#include "tests/util/numbered_writes.h"
#include "tests/util/open.h"
#include "tests/util/status_testing.h"
#include "tests/util/test_env.h"

namespace holdfast {
namespace {

constexpr char kDir[] = "/db";
constexpr size_t kSectorBytes = 512;
// Of each byte, every so manieth bit is flipped.
#ifdef HOLDFAST_SANITIZER
constexpr size_t kBitStep = 8;
#else
constexpr size_t kBitStep = 1;
#endif

// A database over files in memory, for as long as this lives.
class OpenDatabase {
 public:
  OpenDatabase(MemoryFileSystem* files, Options options)
      : env_(files, &clock_, &executor_) {
    options.env = &env_;
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, kDir);
    status_ = db.status();
    if (db.ok()) db_ = *std::move(db);
  }

  const absl::Status& status() const { return status_; }
  DB& operator*() { return *db_; }
  DB* operator->() { return db_.get(); }

 private:
  ManualClock clock_;
  ManualExecutor executor_;
  TestEnv env_;
  std::unique_ptr<DB> db_;
  absl::Status status_;
};

std::string PathOf(std::string_view name) {
  return absl::StrCat(kDir, "/", name);
}

std::vector<std::string> FilesOf(MemoryFileSystem& files) {
  std::vector<std::string> names = *files.ListDirectory(kDir);
  names.erase(std::remove(names.begin(), names.end(), "LOCK"), names.end());
  return names;
}

// What kind of database the golden one is.
struct Kind {
  const char* name;
  Compression compression;
  size_t block_bytes;
  int restart_interval;
  int bloom_bits;
};

std::ostream& operator<<(std::ostream& out, const Kind& kind) {
  return out << kind.name;
}

constexpr Kind kKinds[] = {
    {"plain", Compression::kNone, 256, 1, 0},
    {"lz4", Compression::kLz4, 256, 16, 10},
    {"zstd", Compression::kZstd, 1024, 4, 3},
};

Options OptionsOf(const Kind& kind) {
  Options options = TinyOptions();
  options.compression = kind.compression;
  options.block_bytes = kind.block_bytes;
  options.block_restart_interval = kind.restart_interval;
  options.bloom_bits_per_key = kind.bloom_bits;
  options.disable_auto_compaction = true;
  return options;
}

void WriteSome(DB& db, Contents* contents, Random& random, int writes) {
  for (int i = 0; i < writes; ++i) {
    const std::string key = absl::StrCat("key", random.Uniform(40));
    if (random.OneIn(5)) {
      contents->erase(key);
      ASSERT_OK(db.Delete({}, key));
      continue;
    }
    std::string value = absl::StrCat("value", random.Next64() % 1000, "-",
                                     std::string(random.Uniform(30), 'v'));
    ASSERT_OK(db.Put({}, key, value));
    (*contents)[key] = std::move(value);
  }
}

// A database that was closed: a table in level 1, two above it that overwrite
// and delete some of its keys, and changes in the log.
struct Golden {
  explicit Golden(const Kind& kind, bool other_identity = false)
      : options(OptionsOf(kind)) {
    if (other_identity) files.UniqueId().IgnoreError();  // Takes one.
    Random random(1);
    OpenDatabase db(&files, options);
    EXPECT_OK(db.status());
    WriteSome(*db, &contents, random, 60);
    EXPECT_OK(db->CompactRange({}, {}));
    WriteSome(*db, &contents, random, 15);
    EXPECT_OK(db->Flush());
    WriteSome(*db, &contents, random, 15);
    EXPECT_OK(db->Flush());
    WriteSome(*db, &contents, random, 10);
    EXPECT_OK(db->Close());
    options.create_if_missing = false;
  }

  MemoryFileSystem files;
  Contents contents;
  Options options;
};

// kDataLoss that names one of the files and an offset.
testing::AssertionResult IsLossIn(const absl::Status& error,
                                  const std::vector<std::string>& names) {
  const bool named =
      std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return absl::StrContains(error.message(), PathOf(name));
      });
  if (absl::IsDataLoss(error) && named &&
      absl::StrContains(error.message(), "offset")) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "expected kDataLoss that names the damaged file and an offset; "
         << error.ToString();
}

// Opens and reads everything in `damaged`, whose files `names` are not as they
// were.
testing::AssertionResult IsRightOrReportsLoss(
    const Golden& golden, MemoryFileSystem& damaged,
    const std::vector<std::string>& names) {
  OpenDatabase db(&damaged, golden.options);
  if (!db.status().ok()) return IsLossIn(db.status(), names);
  const auto check = [&](const absl::Status& error) {
    return IsLossIn(error, names);
  };
  testing::AssertionResult result = HoldsOrFails(*db, golden.contents, check);
  if (!result) return result;
  // A key that was never there. A damaged filter or index must not invent it.
  const absl::Status absent = db->Get({}, "nothing").status();
  if (!absl::IsNotFound(absent)) result = check(absent);
  if (!result) return result;
  const absl::Status verified = db->VerifyChecksums();
  if (!verified.ok()) return check(verified);
  // Whoever reads every block of a table that is not as it was finds that.
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, ".sst")) continue;
    return testing::AssertionFailure()
           << "VerifyChecksums finds nothing wrong with " << name;
  }
  return testing::AssertionSuccess();
}

class CorruptionTest : public testing::TestWithParam<Kind> {
 protected:
  CorruptionTest() : golden_(GetParam()) {}

  // Has `damage` change the content of one file of a copy, and checks it.
  void Try(const std::string& name, const std::string& what,
           const std::function<void(std::string*)>& damage) {
    MemoryFileSystem damaged(golden_.files);
    std::string& bytes = damaged.Contents(PathOf(name));
    const std::string before = bytes;
    damage(&bytes);
    if (bytes == before) return;
    ++tried_;
    // A manifest that lost its end is an older one: it names files that are
    // gone, and those are what the error names.
    const bool manifest = absl::StartsWith(name, "MANIFEST");
    EXPECT_TRUE(IsRightOrReportsLoss(golden_, damaged, {manifest ? "" : name}))
        << name << ": " << what;
  }

  // Calls `body` with each file and its bytes.
  void ForEachFile(
      const std::function<void(const std::string&, const std::string&)>& body) {
    for (const std::string& name : FilesOf(golden_.files)) {
      body(name, golden_.files.Contents(PathOf(name)));
    }
  }

  Golden golden_;
  int tried_ = 0;
};

TEST_P(CorruptionTest, GoldenDatabaseIsRight) {
  MemoryFileSystem copy(golden_.files);
  EXPECT_TRUE(IsRightOrReportsLoss(golden_, copy, {}));
  int tables = 0;
  int logs = 0;
  int manifests = 0;
  for (const std::string& name : FilesOf(golden_.files)) {
    tables += absl::EndsWith(name, ".sst");
    logs += absl::EndsWith(name, ".wal");
    manifests += absl::StartsWith(name, "MANIFEST");
  }
  EXPECT_EQ(tables, 3);
  EXPECT_EQ(logs, 1);
  EXPECT_EQ(manifests, 1);
}

TEST_P(CorruptionTest, FlippedBit) {
  ForEachFile([&](const std::string& name, const std::string& bytes) {
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (size_t bit = at % kBitStep; bit < 8; bit += kBitStep) {
        Try(name, absl::StrCat("bit ", bit, " of byte ", at),
            [&](std::string* damaged) {
              (*damaged)[at] = static_cast<char>((*damaged)[at] ^ 1 << bit);
            });
      }
    }
  });
  EXPECT_GT(tried_, 2'000);
}

TEST_P(CorruptionTest, ReplacedByte) {
  ForEachFile([&](const std::string& name, const std::string& bytes) {
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (const char byte : {'\0', '\xff'}) {
        Try(name, absl::StrCat("byte ", at, " set to ", byte == 0 ? 0 : 255),
            [&](std::string* damaged) { (*damaged)[at] = byte; });
      }
    }
  });
}

TEST_P(CorruptionTest, CutOff) {
  ForEachFile([&](const std::string& name, const std::string& bytes) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      Try(name, absl::StrCat("cut to ", size),
          [&](std::string* damaged) { damaged->resize(size); });
    }
  });
}

TEST_P(CorruptionTest, CutAndFilledWithZeros) {
  ForEachFile([&](const std::string& name, const std::string& bytes) {
    for (size_t size = 0; size < bytes.size(); size += 3) {
      Try(name, absl::StrCat("zeros from ", size), [&](std::string* damaged) {
        std::fill(damaged->begin() + static_cast<ptrdiff_t>(size),
                  damaged->end(), '\0');
      });
    }
  });
}

TEST_P(CorruptionTest, GrownFile) {
  ForEachFile([&](const std::string& name, const std::string& bytes) {
    for (const std::string& more :
         {std::string(1, '\0'), std::string(1000, '\0'), std::string("x"),
          bytes}) {
      Try(name, absl::StrCat("grown by ", more.size()),
          [&](std::string* damaged) { damaged->append(more); });
    }
  });
}

TEST_P(CorruptionTest, SectorsZeroedSwappedAndMisdirected) {
  ForEachFile([&](const std::string& name, const std::string& bytes) {
    const size_t sectors = (bytes.size() + kSectorBytes - 1) / kSectorBytes;
    const auto sector = [&](size_t n) {
      return bytes.substr(n * kSectorBytes, kSectorBytes);
    };
    for (size_t i = 0; i < sectors; ++i) {
      const size_t size = sector(i).size();
      Try(name, absl::StrCat("zeroed sector ", i), [&](std::string* damaged) {
        damaged->replace(i * kSectorBytes, size, size, '\0');
      });
      for (size_t j = 0; j < sectors; ++j) {
        const size_t common = std::min(size, sector(j).size());
        Try(name, absl::StrCat("sector ", j, " in place of ", i),
            [&](std::string* damaged) {
              damaged->replace(i * kSectorBytes, common,
                               sector(j).substr(0, common));
            });
        Try(name, absl::StrCat("sectors ", i, " and ", j, " swapped"),
            [&](std::string* damaged) {
              damaged->replace(i * kSectorBytes, common,
                               sector(j).substr(0, common));
              damaged->replace(j * kSectorBytes, common,
                               sector(i).substr(0, common));
            });
      }
    }
  });
}

// Pieces of any size swapped, not only sectors: data blocks among them.
TEST_P(CorruptionTest, SwappedPieces) {
  Random random(1);
  ForEachFile([&](const std::string& name, const std::string& bytes) {
    for (int i = 0; i < 300; ++i) {
      const size_t size =
          1 + random.Uniform(std::min<size_t>(bytes.size() / 2, 300));
      const size_t from = random.Uniform(bytes.size() - size + 1);
      const size_t to = random.Uniform(bytes.size() - size + 1);
      Try(name, absl::StrCat(size, " bytes at ", from, " and ", to, " swapped"),
          [&](std::string* damaged) {
            damaged->replace(from, size, bytes, to, size);
            damaged->replace(to, size, bytes, from, size);
          });
    }
  });
}

// Sectors of one file in another of the same kind, at the same offset: what a
// misdirected write, or a block that was freed and not rewritten, leaves.
TEST_P(CorruptionTest, SectorsOfOtherFiles) {
  ForEachFile([&](const std::string& name, const std::string& bytes) {
    ForEachFile([&](const std::string& other, const std::string& theirs) {
      for (size_t at = 0; at < std::min(bytes.size(), theirs.size());
           at += kSectorBytes) {
        Try(name, absl::StrCat("sector at ", at, " of ", other),
            [&](std::string* damaged) {
              const std::string stale = theirs.substr(at, kSectorBytes);
              const size_t common = std::min(stale.size(), bytes.size() - at);
              damaged->replace(at, common, stale, 0, common);
            });
      }
    });
  });
}

TEST_P(CorruptionTest, SwappedFiles) {
  const std::vector<std::string> names = FilesOf(golden_.files);
  for (size_t i = 0; i < names.size(); ++i) {
    for (size_t j = i + 1; j < names.size(); ++j) {
      MemoryFileSystem damaged(golden_.files);
      std::swap(damaged.Contents(PathOf(names[i])),
                damaged.Contents(PathOf(names[j])));
      EXPECT_TRUE(IsRightOrReportsLoss(golden_, damaged, {names[i], names[j]}))
          << names[i] << " and " << names[j];
    }
  }
}

TEST_P(CorruptionTest, MissingFile) {
  ForEachFile([&](const std::string& name, const std::string&) {
    MemoryFileSystem damaged(golden_.files);
    ASSERT_OK(damaged.RemoveFile(PathOf(name)));
    OpenDatabase db(&damaged, golden_.options);
    EXPECT_TRUE(IsLossIn(db.status(), {name})) << name;
  });
}

TEST_P(CorruptionTest, FileOfAnotherDatabase) {
  // Made in the same way: the same names, sizes and content.
  Golden other(GetParam(), /*other_identity=*/true);
  ASSERT_EQ(FilesOf(other.files), FilesOf(golden_.files));
  ASSERT_EQ(other.contents, golden_.contents);
  ForEachFile([&](const std::string& name, const std::string&) {
    MemoryFileSystem damaged(golden_.files);
    damaged.Contents(PathOf(name)) = other.files.Contents(PathOf(name));
    ASSERT_NE(damaged.Contents(PathOf(name)),
              golden_.files.Contents(PathOf(name)));
    // CURRENT of another database is right in itself; the manifest then is not
    // what it should be.
    std::vector<std::string> names = {name};
    if (name == "CURRENT") names = FilesOf(golden_.files);
    MemoryFileSystem copy(damaged);
    OpenDatabase db(&copy, golden_.options);
    if (db.status().ok()) {
      EXPECT_TRUE(IsLossIn(db->VerifyChecksums(), names)) << name;
      EXPECT_TRUE(IsRightOrReportsLoss(golden_, damaged, names)) << name;
    } else {
      EXPECT_TRUE(IsLossIn(db.status(), names)) << name;
    }
  });
}

TEST_P(CorruptionTest, CurrentOfEarlierTimes) {
  // Another opening, another manifest; the old one is gone.
  MemoryFileSystem later(golden_.files);
  {
    OpenDatabase db(&later, golden_.options);
    ASSERT_OK(db.status());
    ASSERT_OK(db->Close());
  }
  later.Contents(PathOf("CURRENT")) = golden_.files.Contents(PathOf("CURRENT"));
  OpenDatabase db(&later, golden_.options);
  EXPECT_CODE(db.status(), kDataLoss);
}

INSTANTIATE_TEST_SUITE_P(Kinds, CorruptionTest, testing::ValuesIn(kKinds),
                         [](const auto& info) { return info.param.name; });

// --- Logs that were not closed ---------------------------------------------

// A copy of the files of a database that was being written to, as the death of
// the process would leave them, and where each write ended in the log.
class LiveLog {
 public:
  // `sync` tells which writes are synced.
  LiveLog(int writes, const std::function<bool(int)>& sync)
      : count_(writes), numbered_(7, /*value_bytes=*/40) {
    options_ = TinyOptions();
    OpenDatabase db(&files_, options_);
    EXPECT_OK(db.status());
    for (const std::string& name : FilesOf(files_)) {
      if (absl::EndsWith(name, ".wal")) name_ = name;
    }
    ends_.push_back(files_.Contents(path()).size());
    for (int i = 1; i <= writes; ++i) {
      WriteOptions write_options;
      write_options.sync = sync(i);
      EXPECT_OK(db->Write(write_options, numbered_.Batch(i)));
      ends_.push_back(files_.Contents(path()).size());
    }
    copy_ = std::make_unique<MemoryFileSystem>(files_);
  }

  std::string path() const { return PathOf(name_); }
  size_t size() const { return ends_.back(); }
  int count() const { return count_; }
  // Where the log is once write i is in it; 0: before the first.
  size_t EndOf(int i) const { return ends_[static_cast<size_t>(i)]; }
  // How many writes end at or before an offset.
  int WritesBefore(size_t offset) const {
    int i = 0;
    while (i < count_ && EndOf(i + 1) <= offset) ++i;
    return i;
  }

  // Damages the log, opens the database, RETURNS how many writes it shows, and
  // that they are a prefix; or the error of opening. When it opened, it is
  // written to and opened once more, which must change nothing.
  absl::StatusOr<int> Recover(const std::function<void(std::string*)>& damage) {
    MemoryFileSystem damaged(*copy_);
    damage(&damaged.Contents(path()));
    int found = 0;
    {
      OpenDatabase db(&damaged, options_);
      if (!db.status().ok()) return db.status();
      const absl::StatusOr<int> recovered = numbered_.Recovered(*db);
      EXPECT_OK(recovered);
      if (!recovered.ok()) return -1;
      found = *recovered;
      EXPECT_OK(db->Write({}, numbered_.Batch(found + 1)));
    }
    OpenDatabase db(&damaged, options_);
    EXPECT_OK(db.status());
    if (!db.status().ok()) return -1;
    const absl::StatusOr<int> again = numbered_.Recovered(*db);
    EXPECT_OK(again);
    EXPECT_EQ(again.value_or(-1), found + 1);
    return found;
  }

 private:
  const int count_;
  const NumberedWrites numbered_;
  Options options_;
  MemoryFileSystem files_;
  std::string name_;
  std::vector<size_t> ends_;
  std::unique_ptr<MemoryFileSystem> copy_;
};

TEST(LiveLogTest, ProcessDeathLosesNothing) {
  LiveLog log(20, [](int i) { return i % 7 == 0; });
  EXPECT_EQ(log.Recover([](std::string*) {}).value(), 20);
}

TEST(LiveLogTest, TornTailOfUnsyncedWritesIsDroppedInSilence) {
  LiveLog log(12, [](int) { return false; });
  const auto noise = [](size_t size) {
    Random random(size);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.Next64());
    return bytes;
  };
  for (size_t cut = log.EndOf(0); cut <= log.size(); ++cut) {
    const int expected = log.WritesBefore(cut);
    const auto check = [&](const char* what, const std::string& tail) {
      const auto found = log.Recover([&](std::string* bytes) {
        bytes->resize(cut);
        bytes->append(tail);
      });
      ASSERT_OK(found) << what << " at " << cut;
      ASSERT_EQ(*found, expected) << what << " at " << cut;
    };
    check("cut", "");
    check("zeros", std::string(log.size() - cut, '\0'));
    check("noise", noise(log.size() - cut));
  }
}

TEST(LiveLogTest, DamageAmongUnsyncedWritesEndsTheLogThere) {
  LiveLog log(12, [](int) { return false; });
  for (size_t at = log.EndOf(0); at < log.size(); ++at) {
    const auto found = log.Recover([&](std::string* bytes) {
      (*bytes)[at] = static_cast<char>((*bytes)[at] ^ 1 << at % 8);
    });
    ASSERT_OK(found) << at;
    ASSERT_EQ(*found, log.WritesBefore(at)) << at;
  }
}

TEST(LiveLogTest, DamageBeforeASyncIsReported) {
  // Each write tells that all before it were synced. Only of the last nobody
  // tells.
  LiveLog log(12, [](int) { return true; });
  for (size_t at = 0; at < log.size(); ++at) {
    const auto found = log.Recover([&](std::string* bytes) {
      (*bytes)[at] = static_cast<char>((*bytes)[at] ^ 1 << at % 8);
    });
    if (log.WritesBefore(at) == log.count() - 1) {
      ASSERT_OK(found) << at;
      ASSERT_EQ(*found, log.count() - 1) << at;
      continue;
    }
    ASSERT_CODE(found, kDataLoss) << at;
    ASSERT_TRUE(Says(found.status(), log.path())) << at;
    ASSERT_TRUE(Says(found.status(), "offset")) << at;
  }
}

TEST(LiveLogTest, OneSyncInTheMiddleProtectsWhatIsBeforeIt) {
  constexpr int kSynced = 6;
  LiveLog log(12, [](int i) { return i == kSynced; });
  for (size_t at = log.EndOf(0); at < log.size(); ++at) {
    const auto found = log.Recover([&](std::string* bytes) {
      (*bytes)[at] = static_cast<char>((*bytes)[at] ^ 1 << at % 8);
    });
    if (at < log.EndOf(kSynced)) {
      ASSERT_CODE(found, kDataLoss) << at;
    } else {
      ASSERT_OK(found) << at;
      ASSERT_EQ(*found, log.WritesBefore(at)) << at;
    }
  }
}

TEST(LiveLogTest, ZeroedSectorsBeforeASyncAreReported) {
  LiveLog log(40, [](int) { return true; });
  for (size_t at = 0; at + 2 * kSectorBytes < log.size(); at += kSectorBytes) {
    const auto found = log.Recover([&](std::string* bytes) {
      bytes->replace(at, kSectorBytes, kSectorBytes, '\0');
    });
    ASSERT_CODE(found, kDataLoss) << at;
  }
}

}  // namespace
}  // namespace holdfast
