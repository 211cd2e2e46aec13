#include "chaos/damage/golden.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/random.h"
#include "engine/format/file_names.h"
#include "engine/format/log_frame.h"
#include "engine/format/table_layout.h"
#include "holdfast/db.h"
#include "holdfast/testing/fault_file_system.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/write_batch.h"

namespace holdfast {
namespace {

// Contents that are kept of one file, and up to which size.
constexpr size_t kMostVersions = 64;
constexpr size_t kLargestVersion = size_t{64} << 10;

void CheckOk(const absl::Status& status, std::string_view what) {
  if (!status.ok()) {
    std::fprintf(stderr, "golden database: %s: %s\n", std::string(what).c_str(),
                 status.ToString().c_str());
  }
  HF_CHECK(status.ok());
}

std::string ContentOf(const SimDisk& disk, const std::string& path) {
  const absl::StatusOr<SimDisk::InodeId> inode = disk.Lookup(path);
  if (!inode.ok()) return "";
  std::string content(disk.Size(*inode), '\0');
  uint64_t got = 0;
  disk.Read(*inode, 0, content.size(), content.data(), &got);
  content.resize(got);
  return content;
}

std::string NameOf(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

FileKind KindOf(const std::string& name, uint64_t* number = nullptr) {
  FileKind kind = FileKind::kTemp;
  uint64_t n = 0;
  HF_CHECK(ParseFileName(name, &kind, &n));
  if (number != nullptr) *number = n;
  return kind;
}

// As small as options go.
Options SmallOptions() {
  Options options;
  options.memtable_bytes = size_t{64} << 10;
  options.max_memtables = 8;
  options.block_bytes = 256;
  options.block_cache_bytes = 0;
  options.compression = Compression::kNone;
  options.bloom_bits_per_key = 0;
  options.table_bytes = size_t{64} << 10;
  options.level1_bytes = uint64_t{64} << 10;
  options.level_size_multiplier = 2;
  options.disable_auto_compaction = true;
  return options;
}

// Runs a script against a database on a simulated disk and notes what it does.
class Maker {
 public:
  Maker(std::string_view name, const GoldenOptions& making, Options options)
      : making_(making), random_(making.twin ? 77 : 7) {
    now_.name = std::string(name);
    now_.options = options;
    now_.states.emplace_back();
    // No two databases have an identity in common.
    env_.fs().set_unique_id(
        MixContext(Checksum64(name, 0), making.twin ? 1 : 0));
    env_.fs().before = [this](const FileCall& call) { return Before(call); };
    env_.fs().after = [this](const FileCall& call) { After(call); };
    env_.set_file_system(&faults_);
    Open(/*create=*/true);
  }

  void Open(bool create = false) {
    last_log_.clear();
    Options options = now_.options;
    options.env = &env_;
    options.create_if_missing = create;
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, kGoldenDir);
    CheckOk(db.status(), "Open");
    db_ = *std::move(db);
    now_.closed = false;
  }

  // One write of any number of changes; a value of nullopt deletes.
  using Change = std::pair<std::string, std::optional<std::string>>;
  void Write(const std::vector<Change>& changes, bool sync = false) {
    WriteBatch batch;
    GoldenContents next = now_.states.back();
    for (const auto& [key, value] : changes) {
      if (value.has_value()) {
        batch.Put(key, *value);
        next[key] = *value;
      } else {
        batch.Delete(key);
        next.erase(key);
      }
    }
    now_.states.push_back(std::move(next));
    WriteOptions options;
    options.sync = sync;
    CheckOk(db_->Write(options, batch), "Write");
    if (sync) now_.durable_writes = now_.states.size() - 1;
  }
  void Put(const std::string& key, size_t value_bytes, bool sync = false) {
    Write({{key, Value(value_bytes)}}, sync);
  }
  void Delete(const std::string& key, bool sync = false) {
    Write({{key, std::nullopt}}, sync);
  }

  // Half of it compresses.
  std::string Value(size_t bytes) {
    std::string value = making_.twin ? "old-" : "new-";
    while (value.size() < bytes) {
      value.push_back(value.size() % 2 == 0
                          ? 'v'
                          : static_cast<char>('a' + random_.Uniform(26)));
    }
    return value;
  }

  void Flush() {
    CheckOk(db_->Flush(), "Flush");
    now_.durable_writes = now_.states.size() - 1;
  }
  // Has the next write begin a new log. The old one stays as it is: nobody
  // waits for the flush. What fills the memtable is a deletion of nothing that
  // is not logged: it makes no difference whether it is found again.
  void FillMemtable() {
    WriteOptions unlogged;
    unlogged.disable_wal = true;
    CheckOk(db_->Delete(unlogged, std::string(kMaxKeyBytes, 'x')), "Delete");
  }
  // The same with a log that knows of it, as unlogged writes make Close flush.
  void FillMemtableLogged() {
    Write(std::vector<Change>(1'800, {"", std::nullopt}));
  }
  // A write that is on the disk, whole, when it fails: the next one will be
  // written over it.
  void FailedPut(const std::string& key, size_t value_bytes) {
    const std::string value = Value(value_bytes);
    FailNextLogWrite();
    HF_CHECK(absl::IsResourceExhausted(db_->Put({}, key, value)));
    now_.logged_writes = now_.states.size() - 1;
  }
  // A seal that is on the disk when it fails: the log grows over it.
  void FailedSeal() {
    FailNextLogWrite(/*skipped=*/1);  // The header of the next log.
    HF_CHECK(absl::IsResourceExhausted(db_->Flush()));
  }
  // Begins a new log, in which there is no record.
  void BeginLog() {
    FillMemtable();
    fail_records_ = true;
    HF_CHECK(absl::IsInternal(db_->Put({}, "not", "written")));
    fail_records_ = false;
  }
  void Compact() { Compact(std::nullopt, std::nullopt); }
  void Compact(std::optional<std::string_view> begin,
               std::optional<std::string_view> end) {
    CheckOk(db_->CompactRange(begin, end), "CompactRange");
    now_.durable_writes = now_.states.size() - 1;
  }
  void Close() {
    CheckOk(db_->Close(), "Close");
    now_.durable_writes = now_.states.size() - 1;
    now_.closed = true;
    db_.reset();
  }
  // What the death of the process leaves: all that any call wrote.
  void Kill() {
    SimDisk left = env_.fs().disk();
    left.ReleaseAll();
    muted_ = true;
    db_.reset();
    env_.sim_executor().Drop();
    env_.fs().SetDisk(std::move(left));
    muted_ = false;
  }

  Golden Finish() {
    HF_CHECK(db_ == nullptr);
    HF_CHECK(now_.logged_writes == now_.states.size() - 1);
    muted_ = true;
    Golden golden = Now();
    if (!making_.before) golden.disk.SyncAll();
    return golden;
  }

 private:
  void FailNextLogWrite(int skipped = 0) {
    const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(
        absl::StrCat("write *.wal @", skipped + 1, " short:1000000"));
    CheckOk(plan.status(), "FaultPlan");
    faults_.SetPlan(*plan);
  }

  absl::Status Before(const FileCall& call) {
    if (muted_) return absl::OkStatus();
    if (making_.before) making_.before(env_.fs(), call);
    if (fail_records_ && call.op == FileOp::kWrite &&
        call.offset == kLogHeaderFrameBytes) {
      return absl::InternalError("the first record of a log");
    }
    return absl::OkStatus();
  }

  void After(const FileCall& call) {
    if (muted_ || !Changes(call.op)) return;
    Note(call);
    if (making_.after) making_.after(call, Now());
  }

  void Note(const FileCall& call) {
    const std::string name = NameOf(call.path);
    FileKind kind;
    uint64_t number = 0;
    if (!ParseFileName(name, &kind, &number)) return;
    if (kind == FileKind::kLock) return;
    const SimDisk disk = env_.fs().disk();
    if (call.op == FileOp::kRename) {
      AddVersion(NameOf(call.to), ContentOf(disk, call.to));
    }
    if (call.op == FileOp::kWrite || call.op == FileOp::kTruncate) {
      const std::string content = ContentOf(disk, call.path);
      AddVersion(name, content);
      if (kind == FileKind::kWal && call.op == FileOp::kWrite) {
        NoteFrames(name, number, content, call);
      }
    }
    if (kind == FileKind::kWal && call.op == FileOp::kSync) {
      logs_[name].synced = logs_[name].bytes();
    }
  }

  void AddVersion(const std::string& name, const std::string& content) {
    std::vector<std::string>& versions = now_.versions[name];
    if (content.size() > kLargestVersion) return;
    if (versions.size() == kMostVersions) versions.erase(versions.begin());
    versions.push_back(content);
  }

  // Takes apart what one call appended to a log.
  void NoteFrames(const std::string& name, uint64_t number,
                  const std::string& content, const FileCall& call) {
    GoldenLog& log = logs_[name];
    log.name = name;
    log.number = number;
    // Over what failed.
    while (log.bytes() > call.offset) log.frames.pop_back();
    HF_CHECK(call.offset == log.bytes());
    log.sealed = false;
    if (call.offset == 0) {
      if (!last_log_.empty()) {
        logs_[last_log_].required_by_next = logs_[last_log_].synced;
      }
      last_log_ = name;
    }
    bool is_record = false;
    for (uint64_t at = call.offset; at < call.offset + call.bytes;) {
      const char* header = content.data() + at;
      is_record = header[7] < static_cast<char>(FrameType::kHeader);
      log.sealed = header[7] == static_cast<char>(FrameType::kSeal);
      GoldenFrame frame;
      frame.begin = at;
      frame.end =
          at + kFrameHeaderBytes + (DecodeFixed32(header + 4) & 0xffffff);
      frame.record_begin = call.offset;
      frame.synced = log.synced;
      frame.writes_before = now_.logged_writes;
      log.frames.push_back(frame);
      at = frame.end;
    }
    HF_CHECK(log.bytes() == call.offset + call.bytes);
    if (is_record) ++now_.logged_writes;
  }

  Golden Now() const {
    Golden golden = now_;
    golden.disk = env_.fs().disk();
    for (auto& [path, content] : golden.disk.Files()) {
      const std::string name = NameOf(path);
      if (name == "LOCK") continue;
      const auto log = logs_.find(name);
      if (log != logs_.end()) golden.logs.push_back(log->second);
      golden.files[name] = std::move(content);
    }
    return golden;
  }

  const GoldenOptions& making_;
  Random random_;
  mutable SimEnv env_;
  FaultFileSystem faults_{&env_.fs(), &env_.fs()};
  std::unique_ptr<DB> db_;
  Golden now_;
  std::map<std::string, GoldenLog> logs_;
  std::string last_log_;
  bool fail_records_ = false;
  bool muted_ = false;
};

std::string Key(int i) { return absl::StrCat("key", i / 10, i % 10); }

// --- The scripts ---------------------------------------------------------

void MakeEmpty(Maker& maker) { maker.Close(); }
void MakeEmptyKilled(Maker& maker) { maker.Kill(); }

void WriteLog(Maker& maker, const std::function<bool(int)>& sync) {
  for (int i = 1; i <= 8; ++i) {
    if (i == 4) {
      maker.Delete(Key(2), sync(i));
    } else if (i == 6) {
      maker.Write(
          {{Key(1), maker.Value(12)}, {Key(3), std::nullopt}, {Key(9), ""}},
          sync(i));
    } else {
      maker.Put(Key(i), 10 + static_cast<size_t>(i), sync(i));
    }
  }
}

void MakeLog(Maker& maker) {
  WriteLog(maker, [](int) { return false; });
  maker.Close();
}
// Each write is synced.
void MakeLogSynced(Maker& maker) {
  WriteLog(maker, [](int) { return true; });
  maker.Kill();
}
// Synced up to the fifth.
void MakeLogTail(Maker& maker) {
  WriteLog(maker, [](int i) { return i <= 5; });
  maker.Kill();
}
// One sync, in the middle.
void MakeLogMiddle(Maker& maker) {
  WriteLog(maker, [](int i) { return i == 4; });
  maker.Kill();
}

// A write and a seal that failed when they were on the disk already, and what
// was written over them: a stale sector brings back a whole frame in its place.
void MakeLogRewritten(Maker& maker) {
  maker.Put(Key(1), 20, /*sync=*/true);
  maker.FailedPut(Key(2), 20);
  maker.Put(Key(2), 20);
  maker.Put(Key(3), 20, /*sync=*/true);
  maker.FailedSeal();
  maker.Put(Key(4), 20, /*sync=*/true);
  maker.Put(Key(5), 20);
  maker.Kill();
}

// Three logs that are not in tables, whole but for the last.
void MakeChain(Maker& maker) {
  maker.Put(Key(1), 20);
  maker.Put(Key(2), 20, /*sync=*/true);
  maker.FillMemtable();
  maker.Put(Key(1), 25);
  maker.Delete(Key(2));
  maker.FillMemtable();
  maker.Put(Key(3), 15, /*sync=*/true);
  maker.Put(Key(4), 15);
  maker.Put(Key(1), 15);
  maker.Kill();
}
// Killed before the newest log got its first record.
void MakeChainFresh(Maker& maker) {
  maker.Put(Key(1), 20, /*sync=*/true);
  maker.Put(Key(2), 20);
  maker.FillMemtable();
  maker.Put(Key(2), 20);
  maker.BeginLog();
  maker.Kill();
}
void MakeChainClosed(Maker& maker) {
  maker.Put(Key(1), 20);
  maker.FillMemtableLogged();
  maker.Put(Key(1), 25);
  maker.Delete(Key(2));
  maker.Close();
}

// A table in level 1, two above it that overwrite and delete, then a log.
void WriteTables(Maker& maker) {
  for (int i = 0; i < 14; ++i) maker.Put(Key(i), 24);
  maker.Compact();
  for (int i = 0; i < 8; i += 2) maker.Put(Key(i), 16);
  maker.Delete(Key(3));
  maker.Flush();
  maker.Delete(Key(4));
  maker.Put(Key(3), 30);
  maker.Put(Key(20), 30);
  maker.Flush();
  maker.Put(Key(5), 20, /*sync=*/true);
  maker.Delete(Key(6));
}
void MakeTables(Maker& maker) {
  WriteTables(maker);
  maker.Close();
}
void MakeTablesKilled(Maker& maker) {
  WriteTables(maker);
  maker.Kill();
}

// Tables of the same shape: blocks of one size, at the same offsets, in the
// same table and in others.
void MakeSameBlocks(Maker& maker) {
  const auto table = [&](int first) {
    for (int i = 0; i < 8; ++i) maker.Put(Key(first + i), 90);
  };
  table(0);
  maker.Compact();
  table(0);
  maker.Flush();
  table(20);
  maker.Flush();
  maker.Close();
}

// Tables in three levels, more than one in the deepest.
void MakeLevels(Maker& maker) {
  for (int i = 0; i < 6; ++i) maker.Put(Key(i), 20);
  maker.Compact();
  for (int i = 10; i < 16; ++i) maker.Put(Key(i), 20);
  maker.Compact();
  for (int i = 3; i < 13; i += 3) maker.Put(Key(i), 20);
  maker.Delete(Key(1));
  maker.Flush();
  maker.Delete(Key(11));
  maker.Put(Key(4), 9);
  maker.Flush();
  maker.Kill();
}

// A manifest of many edits: flushes, a merge and moves.
void MakeManifest(Maker& maker) {
  for (int i = 0; i < 6; ++i) {
    maker.Put(Key(3 * i), 12);
    maker.Put(Key(3 * i + 1), 12);
    maker.Flush();
    if (i == 2) maker.Compact();
  }
  maker.Compact();
  maker.Put(Key(50), 12, /*sync=*/true);
  maker.Kill();
}

// A key so long that the manifest outgrows its limit and a new one is begun.
void MakeManifestRoll(Maker& maker) {
  maker.Put(Key(1), 12);
  maker.Flush();
  maker.Put(absl::StrCat(Key(2), std::string(1'900, 'k')), 12);
  maker.Flush();
  for (int i = 3; i < 9; ++i) {
    maker.Put(Key(i), 12);
    maker.Flush();
  }
  maker.Put(Key(50), 12, /*sync=*/true);
  maker.Kill();
}

// Recovered from a crash, written to, closed, opened, written to, killed.
void MakeReopened(Maker& maker) {
  WriteLog(maker, [](int) { return false; });
  maker.Kill();
  maker.Open();
  maker.Put(Key(1), 20);
  maker.Delete(Key(5));
  maker.Close();
  maker.Open();
  maker.Put(Key(2), 20, /*sync=*/true);
  maker.Put(Key(3), 20);
  maker.Kill();
}

// Values that take many sectors, in tables and in the log.
void MakeBigValues(Maker& maker) {
  maker.Put(Key(1), 5'000);
  maker.Put(Key(2), 12'000);
  maker.Put(Key(3), 10);
  maker.Flush();
  maker.Put(Key(2), 700);
  maker.Put(Key(4), 9'000, /*sync=*/true);
  maker.Put(Key(5), 3'000);
  maker.Kill();
}

// A record of two frames, and more after it.
void MakeFragments(Maker& maker) {
  maker.Put(Key(1), 20, /*sync=*/true);
  maker.Put(Key(2), 270'000);
  maker.Put(Key(3), 20, /*sync=*/true);
  maker.Put(Key(4), 20);
  maker.Kill();
}

struct Recipe {
  const char* name;
  void (*make)(Maker&);
  Compression compression = Compression::kNone;
  int restart_interval = 1;
  int bloom_bits = 0;
};

constexpr Recipe kRecipes[] = {
    {"empty", MakeEmpty},
    {"empty-killed", MakeEmptyKilled},
    {"log", MakeLog},
    {"log-synced", MakeLogSynced},
    {"log-tail", MakeLogTail},
    {"log-middle", MakeLogMiddle},
    {"log-rewritten", MakeLogRewritten},
    {"chain", MakeChain},
    {"chain-fresh", MakeChainFresh},
    {"chain-closed", MakeChainClosed},
    {"tables", MakeTables},
    {"tables-lz4", MakeTables, Compression::kLz4, 16, 10},
    {"tables-zstd", MakeTablesKilled, Compression::kZstd, 4, 3},
    {"levels", MakeLevels, Compression::kNone, 16, 10},
    {"same-blocks", MakeSameBlocks, Compression::kNone, 1, 10},
    {"manifest", MakeManifest},
    {"manifest-roll", MakeManifestRoll},
    {"reopened", MakeReopened, Compression::kLz4, 2, 10},
    {"big-values", MakeBigValues, Compression::kZstd, 16, 10},
    {"fragments", MakeFragments},
};

// Block handles of a table, out of its footer and index as docs/formats/table
// lays them out.
std::vector<FilePiece> PiecesOfTable(const std::string& content) {
  const uint64_t footer_at = content.size() - kFooterBytes;
  const auto handle = [&](size_t at) {
    return FilePiece{DecodeFixed64(content.data() + footer_at + at),
                     DecodeFixed64(content.data() + footer_at + at + 8)};
  };
  std::vector<FilePiece> pieces;
  const FilePiece index = handle(0);
  const std::string_view entries =
      std::string_view(content).substr(index.offset, index.bytes);
  const uint32_t count =
      DecodeFixed32(entries.data() + entries.size() - sizeof(uint32_t));
  Decoder in(entries);
  for (uint32_t i = 0; i < count; ++i) {
    uint64_t shared;
    uint64_t own;
    uint64_t value;
    std::string_view key;
    FilePiece block;
    HF_CHECK(in.ReadVarint64(&shared) && in.ReadVarint64(&own) &&
             in.ReadVarint64(&value) && in.ReadBytes(own, &key) &&
             in.ReadVarint64(&block.offset) && in.ReadVarint64(&block.bytes));
    pieces.push_back(block);
  }
  for (const size_t at : {size_t{16}, size_t{0}, size_t{32}}) {
    if (handle(at).bytes > 0) pieces.push_back(handle(at));
  }
  uint64_t end = 0;
  for (FilePiece& piece : pieces) {
    HF_CHECK(piece.offset == end);
    piece.bytes += kBlockTrailerBytes;
    end += piece.bytes;
  }
  HF_CHECK(end == footer_at);
  pieces.push_back({footer_at, kFooterBytes});
  return pieces;
}

std::vector<FilePiece> PiecesOfLog(const std::string& content) {
  std::vector<FilePiece> pieces;
  for (uint64_t at = 0; at + kFrameHeaderBytes <= content.size();) {
    const uint64_t bytes =
        kFrameHeaderBytes + (DecodeFixed32(content.data() + at + 4) & 0xffffff);
    pieces.push_back({at, bytes});
    at += bytes;
  }
  return pieces;
}

}  // namespace

std::vector<std::string> Golden::Keys() const {
  std::set<std::string> keys;
  for (const GoldenContents& state : states) {
    for (const auto& [key, value] : state) keys.insert(key);
  }
  return {keys.begin(), keys.end()};
}

std::vector<FilePiece> Golden::PiecesOf(const std::string& file) const {
  const auto it = files.find(file);
  HF_CHECK(it != files.end());
  switch (KindOf(file)) {
    case FileKind::kTable:
      return PiecesOfTable(it->second);
    case FileKind::kWal:
    case FileKind::kManifest:
      return PiecesOfLog(it->second);
    default:
      return {};
  }
}

const std::vector<std::string>& GoldenNames() {
  static const auto* const names = [] {
    auto* result = new std::vector<std::string>;
    for (const Recipe& recipe : kRecipes) result->emplace_back(recipe.name);
    return result;
  }();
  return *names;
}

Golden MakeGolden(std::string_view name, const GoldenOptions& options) {
  for (const Recipe& recipe : kRecipes) {
    if (name != recipe.name) continue;
    Options open = SmallOptions();
    open.compression = recipe.compression;
    open.block_restart_interval = recipe.restart_interval;
    open.bloom_bits_per_key = recipe.bloom_bits;
    open.manifest_roll_bytes = uint64_t{4} << 10;
    Maker maker(name, options, open);
    recipe.make(maker);
    Golden golden = maker.Finish();
    golden.absent_keys = {"", "key", "key02x", "key99", "zzz"};
    return golden;
  }
  std::fprintf(stderr, "no golden database %s\n", std::string(name).c_str());
  HF_CHECK(false);
  return Golden();
}

const Golden& Goldens::Get(const std::string& name) {
  std::unique_ptr<Golden>& golden = made_[name];
  if (golden == nullptr) golden = std::make_unique<Golden>(MakeGolden(name));
  return *golden;
}

const Golden& Goldens::Twin(const std::string& name) {
  std::unique_ptr<Golden>& golden = made_[absl::StrCat(name, "/twin")];
  if (golden == nullptr) {
    GoldenOptions twin;
    twin.twin = true;
    golden = std::make_unique<Golden>(MakeGolden(name, twin));
  }
  return *golden;
}

}  // namespace holdfast
