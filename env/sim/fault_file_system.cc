#include "holdfast/testing/fault_file_system.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/random.h"
#include "base/status_util.h"
#include "env/sim/fault_space.h"
#include "holdfast/env/sync.h"

namespace holdfast {
namespace {

using Effect = Fault::Effect;
using File = FaultSpace::File;

// The words of env/posix (errno_status.h, posix_file_system.cc): a test holds
// the two against each other.
std::string_view OperationName(FileOp op) {
  switch (op) {
    case FileOp::kSyncDirectory:
      return "sync directory";
    case FileOp::kMakeDirectory:
      return "create directory";
    case FileOp::kRemoveDirectory:
      return "remove directory";
    case FileOp::kUniqueId:
      return "read getrandom";
    default:
      return FileOpName(op);
  }
}

// The status of a call that fails; kDoneThenEio and bad syncs are kEio.
absl::Status ErrorOf(Effect effect, const FileCall& call) {
  absl::StatusCode code = absl::StatusCode::kInternal;
  std::string_view cause = "Input/output error";
  switch (effect) {
    case Effect::kEnospc:
      code = absl::StatusCode::kResourceExhausted;
      cause = "No space left on device";
      break;
    case Effect::kEmfile:
      code = absl::StatusCode::kResourceExhausted;
      cause = "Too many open files";
      break;
    case Effect::kEintr:
      cause = "Interrupted system call";
      break;
    case Effect::kEacces:
      code = absl::StatusCode::kPermissionDenied;
      cause = "Permission denied";
      break;
    default:
      break;
  }
  std::string what(OperationName(call.op));
  if (!call.path.empty()) absl::StrAppend(&what, " ", call.path);
  if (!call.to.empty()) absl::StrAppend(&what, " to ", call.to);
  return absl::Status(code, absl::StrCat(what, ": ", cause));
}

bool Fails(Effect effect) {
  switch (effect) {
    case Effect::kEio:
    case Effect::kEnospc:
    case Effect::kEmfile:
    case Effect::kEintr:
    case Effect::kEacces:
      return true;
    default:
      return false;
  }
}

std::optional<SyncOutcome> OutcomeOf(Effect effect) {
  switch (effect) {
    case Effect::kSyncLies:
      return SyncOutcome::kLies;
    case Effect::kSyncLost:
      return SyncOutcome::kLost;
    case Effect::kSyncFailsKeepsNew:
      return SyncOutcome::kFailsKeepsNew;
    case Effect::kSyncFailsReverts:
      return SyncOutcome::kFailsReverts;
    case Effect::kSyncFailsLate:
      return SyncOutcome::kFailsLate;
    default:
      return std::nullopt;
  }
}

[[noreturn]] void Kill() {
  std::raise(SIGKILL);
  std::abort();  // Not reached.
}

uint64_t Displaced(uint64_t offset, int64_t delta) {
  if (delta >= 0) return offset + static_cast<uint64_t>(delta);
  const uint64_t back = -static_cast<uint64_t>(delta);
  return offset > back ? offset - back : 0;
}

// The part of one sector that a call moves.
struct SectorPart {
  uint64_t sector;     // Of the file.
  uint64_t in_sector;  // Where it begins in the sector,
  uint64_t in_call;    // and in what is moved.
  uint64_t bytes;
};

// The `number`-th sector, modulo how many there are. REQUIRES: bytes > 0.
SectorPart PartOf(uint64_t offset, uint64_t bytes, uint64_t number) {
  const uint64_t first = offset / kSectorBytes;
  const uint64_t last = (offset + bytes - 1) / kSectorBytes;
  SectorPart part;
  part.sector = first + number % (last - first + 1);
  const uint64_t begin = std::max(offset, part.sector * kSectorBytes);
  const uint64_t end =
      std::min(offset + bytes, (part.sector + 1) * kSectorBytes);
  part.in_sector = begin - part.sector * kSectorBytes;
  part.in_call = begin - offset;
  part.bytes = end - begin;
  return part;
}

// A sector of a file as it is now, with zeros behind its end.
std::string ReadSector(FileSystem& base, const std::string& path,
                       uint64_t sector) {
  std::string content(kSectorBytes, '\0');
  const auto file = base.OpenFile(path);
  if (!file.ok()) return content;
  std::string_view got;
  char scratch[kSectorBytes];
  if ((*file)->Read(sector * kSectorBytes, kSectorBytes, scratch, &got).ok()) {
    content.replace(0, got.size(), got);
  }
  return content;
}

}  // namespace

struct FaultFileSystem::Shared {
  class Writable;
  class Readable;
  class Lock;
  class OpenCount;

  // A rule that is due for a call.
  struct Strike {
    uint64_t plan_number;
    size_t rule;
    Fault fault;
  };

  Shared(FileSystem* base_arg, SyncFaultTarget* target, Clock* clock_arg,
         uint64_t seed_arg)
      : base(*base_arg),
        sync_target(target),
        clock(clock_arg),
        seed(seed_arg),
        space(base_arg) {}

  // Counts a call and tells which rule is due.
  std::optional<Strike> Decide(const FileCall& call);
  // The rule had its effect on the call.
  void Fire(const Strike& strike, const FileCall& call);
  void FireSpace(const FileCall& call);

  // Makes a call of which no bytes, and no sync, can go wrong.
  template <typename Make>
  auto Plain(const FileCall& call, Make&& make) -> decltype(make()) {
    return Plain(Decide(call), call, std::forward<Make>(make));
  }
  template <typename Make>
  auto Plain(const std::optional<Strike>& strike, const FileCall& call,
             Make&& make) -> decltype(make());

  // `file` is nullptr for a directory.
  template <typename Make>
  absl::Status Sync(const FileCall& call, File* file, Make&& make);

  // A call is about to name a file.
  void See(std::string_view path) {
    MutexLock lock(&mu);
    space.See(path);
  }
  // Fails when there is a limit of space and it is reached.
  absl::Status CheckRoom(const FileCall& call);
  // Where a rule "file:PATH" leads to.
  static std::string Resolve(const Fault& fault, const FileCall& call) {
    if (fault.file.find('/') != std::string::npos) return fault.file;
    if (call.path.find('/') == std::string::npos) return fault.file;
    const std::string directory = DirectoryOf(call.path);
    return absl::StrCat(directory, directory == "/" ? "" : "/", fault.file);
  }
  // Writes into a file that somebody else has, or nobody.
  absl::Status WriteElsewhere(const std::string& path, uint64_t offset,
                              std::string_view data);

  FileSystem& base;
  SyncFaultTarget* const sync_target;
  Clock* const clock;
  const uint64_t seed;
  std::atomic<int> open_files{0};
  std::atomic<uint64_t> calls{0};

  mutable Mutex mu;
  FaultPlan plan ABSL_GUARDED_BY(mu);
  bool active ABSL_GUARDED_BY(mu) = false;
  bool wants_history ABSL_GUARDED_BY(mu) = false;  // For stale sectors.
  uint64_t plan_number ABSL_GUARDED_BY(mu) = 0;
  std::vector<Count> counts ABSL_GUARDED_BY(mu);
  uint64_t space_fired ABSL_GUARDED_BY(mu) = 0;
  std::string first_fired ABSL_GUARDED_BY(mu);
  Random random ABSL_GUARDED_BY(mu){0};
  FaultSpace space ABSL_GUARDED_BY(mu);
  std::set<std::string> late_directories ABSL_GUARDED_BY(mu);
};

std::optional<FaultFileSystem::Shared::Strike> FaultFileSystem::Shared::Decide(
    const FileCall& call) {
  ++calls;
  std::optional<Strike> due;
  MutexLock lock(&mu);
  if (!active) return due;
  for (size_t i = 0; i < plan.faults.size(); ++i) {
    const Fault& fault = plan.faults[i];
    if (!fault.Matches(call)) continue;
    const uint64_t number = ++counts[i].matched;
    const bool now = fault.one_in != 0 ? random.OneIn(fault.one_in)
                                       : number >= fault.first &&
                                             number - fault.first < fault.times;
    if (now && !due.has_value()) due = Strike{plan_number, i, fault};
  }
  return due;
}

void FaultFileSystem::Shared::Fire(const Strike& strike, const FileCall& call) {
  MutexLock lock(&mu);
  if (strike.plan_number != plan_number) return;
  ++counts[strike.rule].fired;
  if (!first_fired.empty()) return;
  first_fired = absl::StrCat(call.Text(), ": ", strike.fault.EffectText());
}

void FaultFileSystem::Shared::FireSpace(const FileCall& call) {
  mu.AssertHeld();
  ++space_fired;
  if (!first_fired.empty()) return;
  first_fired = absl::StrCat(call.Text(), ": space ", *space.limit());
}

template <typename Make>
auto FaultFileSystem::Shared::Plain(const std::optional<Strike>& strike,
                                    const FileCall& call, Make&& make)
    -> decltype(make()) {
  if (!strike.has_value()) return make();
  const Fault& fault = strike->fault;
  if (fault.effect == Effect::kDelay) {
    if (clock == nullptr) return make();
    Fire(*strike, call);
    clock->SleepMicros(static_cast<uint64_t>(fault.argument));
    return make();
  }
  Fire(*strike, call);
  if (fault.effect == Effect::kKill) Kill();
  if (fault.effect == Effect::kDoneThenKill) {
    const auto result = make();
    static_cast<void>(result);
    Kill();
  }
  if (fault.effect == Effect::kDoneThenEio) {
    auto result = make();
    if (!result.ok()) return result;
    return ErrorOf(Effect::kEio, call);
  }
  HF_CHECK(Fails(fault.effect));
  return ErrorOf(fault.effect, call);
}

template <typename Make>
absl::Status FaultFileSystem::Shared::Sync(const FileCall& call, File* file,
                                           Make&& make) {
  bool fails_now = false;
  {
    MutexLock lock(&mu);
    fails_now = file != nullptr ? std::exchange(file->next_sync_fails, false)
                                : late_directories.erase(call.path) > 0;
  }
  const std::optional<Strike> strike = Decide(call);
  const std::optional<SyncOutcome> outcome =
      strike.has_value() ? OutcomeOf(strike->fault.effect) : std::nullopt;
  if (!outcome.has_value()) {
    if (fails_now) return ErrorOf(Effect::kEio, call);
    return Plain(strike, call, std::forward<Make>(make));
  }
  Fire(*strike, call);
  const bool late = *outcome == SyncOutcome::kFailsLate;
  if (late && file == nullptr) {  // A simulated disk has no such directories.
    MutexLock lock(&mu);
    late_directories.insert(call.path);
  }
  if (sync_target != nullptr) {
    sync_target->ArmNextSync(*outcome);
    return make();
  }
  if (late && file != nullptr) {
    MutexLock lock(&mu);
    file->next_sync_fails = true;
  }
  const bool fails = *outcome == SyncOutcome::kFailsKeepsNew ||
                     *outcome == SyncOutcome::kFailsReverts;
  return fails ? ErrorOf(Effect::kEio, call) : absl::OkStatus();
}

absl::Status FaultFileSystem::Shared::CheckRoom(const FileCall& call) {
  MutexLock lock(&mu);
  if (!space.IsFull()) return absl::OkStatus();
  FireSpace(call);
  return ErrorOf(Effect::kEnospc, call);
}

absl::Status FaultFileSystem::Shared::WriteElsewhere(const std::string& path,
                                                     uint64_t offset,
                                                     std::string_view data) {
  std::shared_ptr<WritableFile> writer;
  {
    MutexLock lock(&mu);
    const std::shared_ptr<File> file = space.Find(path);
    if (file != nullptr) writer = file->writer.lock();
  }
  if (writer != nullptr) {
    HF_RETURN_IF_ERROR(writer->Write(offset, data));
    MutexLock lock(&mu);
    space.Grown(path, offset + data.size());
    return absl::OkStatus();
  }
  // A FileSystem opens no file that exists for writing: another one with the
  // changed content takes its place.
  std::string content;
  const auto old = base.OpenFile(path);
  if (old.ok()) {
    HF_ASSIGN_OR_RETURN(const uint64_t size, (*old)->Size());
    content.resize(size);
    std::string_view got;
    HF_RETURN_IF_ERROR((*old)->Read(0, size, content.data(), &got));
    content = std::string(got);
    HF_RETURN_IF_ERROR(base.RemoveFile(path));
  }
  if (content.size() < offset + data.size()) {
    content.resize(offset + data.size());
  }
  content.replace(offset, data.size(), data);
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                      base.CreateFile(path));
  HF_RETURN_IF_ERROR(file->Write(0, content));
  HF_RETURN_IF_ERROR(file->Sync());
  HF_RETURN_IF_ERROR(file->Close());
  HF_RETURN_IF_ERROR(base.SyncDirectory(DirectoryOf(path)));
  MutexLock lock(&mu);
  space.Grown(path, offset + data.size());
  return absl::OkStatus();
}

// --- Files -------------------------------------------------------------------

// Counts what has it among what is open, until Close or its end.
class FaultFileSystem::Shared::OpenCount {
 public:
  explicit OpenCount(std::shared_ptr<FaultFileSystem::Shared> shared)
      : shared_(std::move(shared)) {
    ++shared_->open_files;
  }
  ~OpenCount() { Close(); }
  OpenCount(const OpenCount&) = delete;
  OpenCount& operator=(const OpenCount&) = delete;

  void Close() {
    if (open_) --shared_->open_files;
    open_ = false;
  }
  FaultFileSystem::Shared& shared() const { return *shared_; }

 private:
  const std::shared_ptr<FaultFileSystem::Shared> shared_;
  bool open_ = true;
};

class FaultFileSystem::Shared::Writable final : public WritableFile {
 public:
  Writable(std::shared_ptr<FaultFileSystem::Shared> shared, std::string path,
           std::shared_ptr<File> file, std::unique_ptr<WritableFile> base)
      : count_(std::move(shared)),
        path_(std::move(path)),
        file_(std::move(file)),
        base_(std::move(base)) {
    MutexLock lock(&count_.shared().mu);
    file_->writer = base_;
  }

  absl::Status Write(uint64_t offset, std::string_view data) override {
    const FileCall call = Call(FileOp::kWrite, offset, data.size());
    const std::optional<Strike> strike = shared().Decide(call);
    if (strike.has_value() && !data.empty()) {
      const std::optional<absl::Status> struck =
          WriteWrongly(*strike, call, data);
      if (struck.has_value()) return *struck;
    } else if (strike.has_value() && IsOfBytes(strike->fault.effect)) {
      return Put(call, offset, data);  // No byte that could go wrong.
    }
    return shared().Plain(strike, call,
                          [&] { return Put(call, offset, data); });
  }

  absl::Status Sync() override {
    return shared().Sync(Call(FileOp::kSync), file_.get(),
                         [&] { return base_->Sync(); });
  }

  absl::Status PrepareSpace(uint64_t offset, uint64_t length) override {
    const FileCall call = Call(FileOp::kPrepareSpace, offset, length);
    const std::optional<Strike> strike = shared().Decide(call);
    if (strike.has_value() && IsOfBytes(strike->fault.effect)) {
      const Fault& fault = strike->fault;
      shared().Fire(*strike, call);
      HF_RETURN_IF_ERROR(PutZeros(
          call, std::min(length, static_cast<uint64_t>(fault.argument))));
      if (fault.effect == Effect::kTornThenKill) Kill();
      return ErrorOf(
          fault.effect == Effect::kShort ? Effect::kEnospc : Effect::kEio,
          call);
    }
    return shared().Plain(strike, call, [&] { return PutZeros(call, length); });
  }

  absl::Status Truncate(uint64_t size) override {
    const FileCall call = Call(FileOp::kTruncate, 0, size);
    return shared().Plain(call, [&]() -> absl::Status {
      {
        MutexLock lock(&shared().mu);
        if (shared().space.Fits(*file_, 0, size) < size) {
          shared().FireSpace(call);
          return ErrorOf(Effect::kEnospc, call);
        }
      }
      HF_RETURN_IF_ERROR(base_->Truncate(size));
      MutexLock lock(&shared().mu);
      shared().space.Truncated(*file_, size);
      return absl::OkStatus();
    });
  }

  absl::Status Close() override {
    const FileCall call = Call(FileOp::kClose);
    const std::optional<Strike> strike = shared().Decide(call);
    const auto close = [&] {
      count_.Close();
      {
        MutexLock lock(&shared().mu);
        file_->writer.reset();
      }
      return base_->Close();
    };
    // A descriptor is gone even when closing it fails.
    if (strike.has_value() && Fails(strike->fault.effect)) {
      close().IgnoreError();
    }
    return shared().Plain(strike, call, close);
  }

 private:
  static bool IsOfBytes(Effect effect) {
    switch (effect) {
      case Effect::kFlip:
      case Effect::kZeroSector:
      case Effect::kStaleSector:
      case Effect::kWrongOffset:
      case Effect::kWrongFile:
      case Effect::kShort:
      case Effect::kTorn:
      case Effect::kTornThenKill:
        return true;
      default:
        return false;
    }
  }

  FaultFileSystem::Shared& shared() const { return count_.shared(); }

  FileCall Call(FileOp op, uint64_t offset = 0, uint64_t bytes = 0) const {
    return {
        .op = op, .path = path_, .to = "", .offset = offset, .bytes = bytes};
  }

  // What a write does to the file when nothing is wrong but perhaps the space.
  absl::Status Put(const FileCall& call, uint64_t offset,
                   std::string_view data) {
    uint64_t fits = 0;
    {
      MutexLock lock(&shared().mu);
      if (shared().wants_history) Remember(offset, data.size());
      fits = shared().space.Reserve(*file_, offset, data.size());
      if (fits < data.size()) shared().FireSpace(call);
    }
    if (fits > 0 || data.empty()) {
      HF_RETURN_IF_ERROR(base_->Write(offset, data.substr(0, fits)));
    }
    if (fits < data.size()) return ErrorOf(Effect::kEnospc, call);
    return absl::OkStatus();
  }

  // What PrepareSpace does to the file: when there is no space for all,
  // nothing.
  absl::Status PutZeros(const FileCall& call, uint64_t length) {
    {
      // Does not count as a fault that fired: who asks need not notice.
      MutexLock lock(&shared().mu);
      if (shared().space.Fits(*file_, call.offset, length) < length) {
        return ErrorOf(Effect::kEnospc, call);
      }
      if (shared().wants_history) Remember(call.offset, length);
      shared().space.Reserve(*file_, call.offset, length);
    }
    return base_->PrepareSpace(call.offset, length);
  }

  // Keeps what the sectors of a write hold before it.
  void Remember(uint64_t offset, uint64_t bytes) {
    shared().mu.AssertHeld();
    const uint64_t end = offset + bytes;
    for (uint64_t s = offset / kSectorBytes; s * kSectorBytes < end; ++s) {
      file_->before_last_write[s] = ReadSector(shared().base, file_->path, s);
    }
  }

  // RETURNS nothing when the fault is not one of bytes.
  std::optional<absl::Status> WriteWrongly(const Strike& strike,
                                           const FileCall& call,
                                           std::string_view data) {
    const Fault& fault = strike.fault;
    if (!IsOfBytes(fault.effect)) return std::nullopt;
    const auto argument = static_cast<uint64_t>(fault.argument);
    shared().Fire(strike, call);
    std::string changed(data);
    switch (fault.effect) {
      case Effect::kShort:
      case Effect::kTorn:
      case Effect::kTornThenKill: {
        const absl::Status put =
            Put(call, call.offset, data.substr(0, argument));
        if (!put.ok()) return put;
        if (fault.effect == Effect::kTornThenKill) Kill();
        return ErrorOf(
            fault.effect == Effect::kShort ? Effect::kEnospc : Effect::kEio,
            call);
      }
      case Effect::kWrongOffset:
        return Put(call, Displaced(call.offset, fault.argument), data);
      case Effect::kWrongFile:
        return shared().WriteElsewhere(
            FaultFileSystem::Shared::Resolve(fault, call), call.offset, data);
      case Effect::kFlip: {
        const uint64_t bit = argument % (data.size() * 8);
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
        break;
      }
      default: {
        const SectorPart part = PartOf(call.offset, data.size(), argument);
        std::string old(kSectorBytes, '\0');
        if (fault.effect == Effect::kStaleSector) {
          std::string path;
          {
            MutexLock lock(&shared().mu);
            path = file_->path;
          }
          old = ReadSector(shared().base, path, part.sector);
        }
        changed.replace(part.in_call, part.bytes, old, part.in_sector,
                        part.bytes);
        break;
      }
    }
    return Put(call, call.offset, changed);
  }

  OpenCount count_;
  const std::string path_;
  const std::shared_ptr<File> file_;
  const std::shared_ptr<WritableFile> base_;
};

class FaultFileSystem::Shared::Readable final : public RandomAccessFile {
 public:
  Readable(std::shared_ptr<FaultFileSystem::Shared> shared, std::string path,
           std::shared_ptr<File> file, std::unique_ptr<RandomAccessFile> base)
      : count_(std::move(shared)),
        path_(std::move(path)),
        file_(std::move(file)),
        base_(std::move(base)) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    const FileCall call = {.op = FileOp::kRead,
                           .path = path_,
                           .to = "",
                           .offset = offset,
                           .bytes = n};
    const std::optional<Strike> strike = shared().Decide(call);
    const auto plain = [&] { return base_->Read(offset, n, scratch, result); };
    if (!strike.has_value()) return plain();
    const Fault& fault = strike->fault;
    switch (fault.effect) {
      case Effect::kShort:
        HF_RETURN_IF_ERROR(plain());
        if (result->size() <= static_cast<uint64_t>(fault.argument)) {
          return absl::OkStatus();
        }
        *result = result->substr(0, static_cast<size_t>(fault.argument));
        shared().Fire(*strike, call);
        return absl::OkStatus();
      case Effect::kFlip:
      case Effect::kZeroSector:
      case Effect::kStaleSector:
        HF_RETURN_IF_ERROR(plain());
        if (Spoil(fault, offset, scratch, result)) {
          shared().Fire(*strike, call);
        }
        return absl::OkStatus();
      case Effect::kWrongOffset:
        shared().Fire(*strike, call);
        return base_->Read(Displaced(offset, fault.argument), n, scratch,
                           result);
      case Effect::kWrongFile: {
        shared().Fire(*strike, call);
        HF_ASSIGN_OR_RETURN(const std::unique_ptr<RandomAccessFile> other,
                            shared().base.OpenFile(
                                FaultFileSystem::Shared::Resolve(fault, call)));
        std::string_view got;
        HF_RETURN_IF_ERROR(other->Read(offset, n, scratch, &got));
        Own(got, scratch, result);
        return absl::OkStatus();
      }
      default:
        return shared().Plain(strike, call, plain);
    }
  }

  absl::StatusOr<uint64_t> Size() const override {
    FileCall call;
    call.op = FileOp::kStat;
    call.path = path_;
    return shared().Plain(call, [&] { return base_->Size(); });
  }

 private:
  FaultFileSystem::Shared& shared() const { return count_.shared(); }

  // Brings what was read into `scratch`, where it may be changed.
  static void Own(std::string_view got, char* scratch,
                  std::string_view* result) {
    if (got.data() != scratch) std::memmove(scratch, got.data(), got.size());
    *result = std::string_view(scratch, got.size());
  }

  // Changes what was read. RETURNS false when there is nothing to change.
  bool Spoil(const Fault& fault, uint64_t offset, char* scratch,
             std::string_view* result) const {
    if (result->empty()) return false;
    Own(*result, scratch, result);
    const auto argument = static_cast<uint64_t>(fault.argument);
    if (fault.effect == Effect::kFlip) {
      const uint64_t bit = argument % (result->size() * 8);
      scratch[bit / 8] = static_cast<char>(scratch[bit / 8] ^ 1 << bit % 8);
      return true;
    }
    const SectorPart part = PartOf(offset, result->size(), argument);
    std::string old(kSectorBytes, '\0');
    if (fault.effect == Effect::kStaleSector) {
      if (file_ == nullptr) return false;
      MutexLock lock(&shared().mu);
      const auto it = file_->before_last_write.find(part.sector);
      if (it == file_->before_last_write.end()) return false;
      old = it->second;
    }
    std::memcpy(scratch + part.in_call, old.data() + part.in_sector,
                part.bytes);
    return true;
  }

  const OpenCount count_;
  const std::string path_;
  const std::shared_ptr<File> file_;  // nullptr when not known.
  const std::unique_ptr<RandomAccessFile> base_;
};

class FaultFileSystem::Shared::Lock final : public FileLock {
 public:
  Lock(std::shared_ptr<FaultFileSystem::Shared> shared,
       std::unique_ptr<FileLock> base)
      : count_(std::move(shared)), base_(std::move(base)) {}

 private:
  const OpenCount count_;
  const std::unique_ptr<FileLock> base_;
};

// --- The file system ---------------------------------------------------------

FaultFileSystem::FaultFileSystem(FileSystem* base, SyncFaultTarget* sync_target,
                                 Clock* clock, uint64_t seed)
    : shared_(std::make_shared<Shared>(base, sync_target, clock, seed)) {}

FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::SetPlan(FaultPlan plan) {
  MutexLock lock(&shared_->mu);
  shared_->plan = std::move(plan);
  shared_->active = true;
  ++shared_->plan_number;
  shared_->wants_history = false;
  for (const Fault& fault : shared_->plan.faults) {
    if (fault.effect == Effect::kStaleSector) shared_->wants_history = true;
  }
  shared_->counts.assign(shared_->plan.faults.size(), Count());
  shared_->space_fired = 0;
  shared_->first_fired.clear();
  shared_->random = Random(shared_->seed);
  shared_->space.SetLimit(shared_->plan.space_bytes);
}

void FaultFileSystem::Clear() {
  MutexLock lock(&shared_->mu);
  shared_->active = false;
  shared_->wants_history = false;
  shared_->space.SetLimit(std::nullopt);
}

std::vector<FaultFileSystem::Count> FaultFileSystem::counts() const {
  MutexLock lock(&shared_->mu);
  return shared_->counts;
}

uint64_t FaultFileSystem::fired() const {
  MutexLock lock(&shared_->mu);
  uint64_t sum = shared_->space_fired;
  for (const Count& count : shared_->counts) sum += count.fired;
  return sum;
}

std::string FaultFileSystem::NeverFired() const {
  MutexLock lock(&shared_->mu);
  FaultPlan never;
  for (size_t i = 0; i < shared_->counts.size(); ++i) {
    if (shared_->counts[i].fired > 0) continue;
    never.faults.push_back(shared_->plan.faults[i]);
  }
  if (shared_->space_fired == 0) never.space_bytes = shared_->plan.space_bytes;
  return never.Text();
}

std::string FaultFileSystem::FirstFired() const {
  MutexLock lock(&shared_->mu);
  return shared_->first_fired;
}

int FaultFileSystem::open_files() const { return shared_->open_files; }
uint64_t FaultFileSystem::calls() const { return shared_->calls; }

namespace {

FileCall CallOf(FileOp op, std::string_view path, std::string_view to = "") {
  return {.op = op,
          .path = std::string(path),
          .to = std::string(to),
          .offset = 0,
          .bytes = 0};
}

}  // namespace

absl::StatusOr<std::unique_ptr<WritableFile>> FaultFileSystem::CreateFile(
    std::string_view path) {
  using Result = absl::StatusOr<std::unique_ptr<WritableFile>>;
  const FileCall call = CallOf(FileOp::kCreate, path);
  shared_->See(path);
  return shared_->Plain(call, [&]() -> Result {
    HF_RETURN_IF_ERROR(shared_->CheckRoom(call));
    HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> base,
                        shared_->base.CreateFile(path));
    std::shared_ptr<File> file;
    {
      MutexLock lock(&shared_->mu);
      file = shared_->space.Created(path);
    }
    return std::make_unique<Shared::Writable>(shared_, std::string(path),
                                              std::move(file), std::move(base));
  });
}

absl::StatusOr<std::unique_ptr<RandomAccessFile>> FaultFileSystem::OpenFile(
    std::string_view path) {
  using Result = absl::StatusOr<std::unique_ptr<RandomAccessFile>>;
  shared_->See(path);
  return shared_->Plain(CallOf(FileOp::kOpen, path), [&]() -> Result {
    HF_ASSIGN_OR_RETURN(std::unique_ptr<RandomAccessFile> base,
                        shared_->base.OpenFile(path));
    std::shared_ptr<File> file;
    {
      MutexLock lock(&shared_->mu);
      file = shared_->space.Find(path);
    }
    return std::make_unique<Shared::Readable>(shared_, std::string(path),
                                              std::move(file), std::move(base));
  });
}

absl::StatusOr<uint64_t> FaultFileSystem::FileSize(std::string_view path) {
  return shared_->Plain(CallOf(FileOp::kStat, path),
                        [&] { return shared_->base.FileSize(path); });
}

absl::StatusOr<bool> FaultFileSystem::FileExists(std::string_view path) {
  return shared_->Plain(CallOf(FileOp::kStat, path),
                        [&] { return shared_->base.FileExists(path); });
}

absl::StatusOr<std::vector<std::string>> FaultFileSystem::ListDirectory(
    std::string_view path) {
  return shared_->Plain(CallOf(FileOp::kList, path),
                        [&] { return shared_->base.ListDirectory(path); });
}

absl::Status FaultFileSystem::CreateDirectory(std::string_view path) {
  const FileCall call = CallOf(FileOp::kMakeDirectory, path);
  return shared_->Plain(call, [&]() -> absl::Status {
    HF_RETURN_IF_ERROR(shared_->CheckRoom(call));
    return shared_->base.CreateDirectory(path);
  });
}

absl::Status FaultFileSystem::RemoveFile(std::string_view path) {
  shared_->See(path);
  return shared_->Plain(CallOf(FileOp::kRemove, path), [&]() -> absl::Status {
    HF_RETURN_IF_ERROR(shared_->base.RemoveFile(path));
    MutexLock lock(&shared_->mu);
    shared_->space.Removed(path);
    return absl::OkStatus();
  });
}

absl::Status FaultFileSystem::RemoveDirectory(std::string_view path) {
  return shared_->Plain(CallOf(FileOp::kRemoveDirectory, path),
                        [&] { return shared_->base.RemoveDirectory(path); });
}

absl::Status FaultFileSystem::RenameFile(std::string_view from,
                                         std::string_view to) {
  shared_->See(from);
  shared_->See(to);
  return shared_->Plain(
      CallOf(FileOp::kRename, from, to), [&]() -> absl::Status {
        HF_RETURN_IF_ERROR(shared_->base.RenameFile(from, to));
        MutexLock lock(&shared_->mu);
        shared_->space.Renamed(from, to);
        return absl::OkStatus();
      });
}

absl::Status FaultFileSystem::LinkFile(std::string_view from,
                                       std::string_view to) {
  shared_->See(from);
  shared_->See(to);
  return shared_->Plain(CallOf(FileOp::kLink, from, to), [&]() -> absl::Status {
    HF_RETURN_IF_ERROR(shared_->base.LinkFile(from, to));
    MutexLock lock(&shared_->mu);
    shared_->space.Linked(from, to);
    return absl::OkStatus();
  });
}

absl::Status FaultFileSystem::SyncDirectory(std::string_view path) {
  return shared_->Sync(CallOf(FileOp::kSyncDirectory, path), nullptr,
                       [&] { return shared_->base.SyncDirectory(path); });
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultFileSystem::LockFile(
    std::string_view path) {
  using Result = absl::StatusOr<std::unique_ptr<FileLock>>;
  shared_->See(path);
  return shared_->Plain(CallOf(FileOp::kLock, path), [&]() -> Result {
    HF_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> base,
                        shared_->base.LockFile(path));
    {
      MutexLock lock(&shared_->mu);
      shared_->space.Locked(path);
    }
    return std::make_unique<Shared::Lock>(shared_, std::move(base));
  });
}

absl::StatusOr<uint64_t> FaultFileSystem::UniqueId() {
  return shared_->Plain(CallOf(FileOp::kUniqueId, ""),
                        [&] { return shared_->base.UniqueId(); });
}

}  // namespace holdfast
