// Manifests (engine/version). Property: what is read is what a plain model of
// docs/formats/manifest.md makes of the same edits (map and set, one number
// after the other), or kDataLoss that names the file and the record at which
// the model says no. What is read keeps the invariants of a version, and is the
// same after it was written as a snapshot of a new manifest and read again.
// VersionSet recovers it when the tables have their sizes, names the table that
// has not, and goes on from there. Memory is bounded by the size of the file.
//
// The frames are read by the book (reference_log.h); edits are decoded with the
// engine's decoder, which has a target of its own.
//
// The input is either a file, or a program that makes valid frames around
// edits: mostly ones that fit what is there, some that do not, some damaged.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "engine/format/current_file.h"
#include "engine/format/file_names.h"
#include "engine/format/internal_key.h"
#include "engine/format/log_frame.h"
#include "engine/format/version_edit.h"
#include "engine/version/manifest.h"
#include "engine/version/version.h"
#include "engine/version/version_set.h"
#include "engine/wal/log_writer.h"
#include "fuzz/log/map_file_system.h"
#include "fuzz/log/reference_log.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/support/fuzz_input.h"

namespace {

using namespace holdfast;

constexpr std::string_view kDir = "/db";
constexpr uint64_t kDbId = 0x1122334455667788;
constexpr uint64_t kNumber = 3;

// --- The model ---------------------------------------------------------------

struct Model {
  uint64_t db_id = 0;
  uint64_t log_number = 0;
  uint64_t next_file_number = 1;
  uint64_t last_sequence = 0;
  std::optional<SealedLog> sealed_log;
  std::map<uint64_t, TableRecord> tables;
  std::set<uint64_t> gone;
  bool begun = false;

  // RETURNS whether the edit fits; when not, the model is good for nothing.
  bool Apply(const VersionEdit& edit) {
    if (begun ? edit.db_id.has_value() : !IsSnapshot(edit)) return false;
    begun = true;
    if (edit.db_id.has_value()) db_id = *edit.db_id;
    if (!Raise(edit.log_number, &log_number) ||
        !Raise(edit.next_file_number, &next_file_number) ||
        !Raise(edit.last_sequence, &last_sequence) ||
        log_number > next_file_number ||
        next_file_number > UINT64_MAX / 4 * 3 ||
        last_sequence >= uint64_t{1} << 55) {
      return false;
    }
    if (edit.sealed_log.has_value()) sealed_log = edit.sealed_log;
    return Remove(edit) && Add(edit);
  }

  // Whether tables of a level from 1 on are apart.
  bool LevelsFit() const {
    std::vector<std::tuple<int, std::string_view, std::string_view>> ranges;
    for (const auto& [number, table] : tables) {
      if (table.level == 0) continue;
      ranges.emplace_back(table.level, ExtractUserKey(table.smallest),
                          ExtractUserKey(table.largest));
    }
    std::sort(ranges.begin(), ranges.end());
    for (size_t i = 1; i < ranges.size(); ++i) {
      if (std::get<0>(ranges[i - 1]) == std::get<0>(ranges[i]) &&
          std::get<2>(ranges[i - 1]) >= std::get<1>(ranges[i])) {
        return false;
      }
    }
    return true;
  }

 private:
  static bool IsSnapshot(const VersionEdit& edit) {
    return edit.db_id.has_value() && edit.log_number.has_value() &&
           edit.next_file_number.has_value() &&
           edit.last_sequence.has_value() && edit.removed.empty();
  }

  static bool Raise(const std::optional<uint64_t>& to, uint64_t* number) {
    if (!to.has_value()) return true;
    if (*to < *number) return false;
    *number = *to;
    return true;
  }

  bool Remove(const VersionEdit& edit) {
    moving_.clear();
    for (const auto& [level, number] : edit.removed) {
      const auto table = tables.find(number);
      if (table == tables.end() || table->second.level != level) return false;
      moving_.insert(*table);
      tables.erase(table);
    }
    return true;
  }

  bool Add(const VersionEdit& edit) {
    for (const TableRecord& table : edit.added) {
      if (table.number >= next_file_number) return false;
      if (table.largest_sequence > last_sequence) return false;
      if (gone.contains(table.number)) return false;
      const auto moved = moving_.find(table.number);
      if (moved != moving_.end()) {
        TableRecord before = moved->second;
        before.level = table.level;
        if (before != table) return false;
        moving_.erase(moved);
      }
      if (!tables.emplace(table.number, table).second) return false;
    }
    for (const auto& [number, table] : moving_) gone.insert(number);
    return true;
  }

  std::map<uint64_t, TableRecord> moving_;  // Removed by the edit at hand.
};

// How reading a manifest ends.
struct Expected {
  absl::StatusCode code = absl::StatusCode::kOk;
  uint64_t offset = 0;  // Of kDataLoss.
  Model model;
  std::vector<VersionEdit> edits;  // All that decode, from the first on.
};

Expected ReadByModel(const ReferenceLog& log, uint64_t db_id) {
  using End = ReferenceLog::End;
  Expected expected;
  const auto damage = [&expected](uint64_t offset) {
    expected.code = absl::StatusCode::kDataLoss;
    expected.offset = offset;
    return expected;
  };
  for (const ReferenceRecord& record : log.records) {
    absl::StatusOr<VersionEdit> edit = DecodeVersionEdit(record.bytes);
    if (!edit.ok() || !expected.model.Apply(*edit)) {
      return damage(record.offset);
    }
    expected.edits.push_back(*std::move(edit));
  }
  switch (log.end) {
    case End::kOtherVersion:
      expected.code = absl::StatusCode::kUnimplemented;
      return expected;
    case End::kNoHeader:
      return damage(0);
    case End::kDamage:
      return damage(log.damage_at);
    case End::kTorn:
    case End::kSealed:
      break;
  }
  if (!expected.model.begun || !expected.model.LevelsFit()) {
    return damage(log.bytes);
  }
  if (expected.model.db_id != db_id) return damage(kLogHeaderFrameBytes);
  return expected;
}

// --- Making one --------------------------------------------------------------

std::string KeyOf(uint8_t byte) {
  return std::string(1 + byte / 128, static_cast<char>('a' + byte % 32));
}

class Maker {
 public:
  Maker() {
    LogHeader header;
    header.version = 1;
    header.kind = LogKind::kManifest;
    header.db_id = kDbId;
    header.number = kNumber;
    Put(FrameType::kHeader, EncodeLogHeader(header));
  }

  void Run(FuzzInput& in) {
    for (int step = 0; step < 32 && !in.empty(); ++step) {
      const uint8_t what = in.Byte();
      if (what >= 250) {
        synced_ = file_.size();
      } else if (what == 249) {
        Put(FrameType::kSeal, EncodeLogSeal({}));
      } else if (what == 248) {
        Put(FrameType::kFull, in.Bytes(in.Byte()));
      } else {
        Record(MakeEdit(in, what), in);
      }
    }
  }

  std::string& file() { return file_; }
  uint64_t synced() const { return synced_; }

 private:
  void Put(FrameType type, std::string_view payload) {
    const LogIdentity identity = {kDbId, LogKind::kManifest, kNumber};
    chain_ = AppendFrame(&file_, identity.context(), file_.size(), chain_, type,
                         synced_, payload);
  }

  void Record(const VersionEdit& edit, FuzzInput& in) {
    std::string payload = EncodeVersionEdit(edit);
    const uint8_t how = in.Byte();
    if (how >= 250 && !payload.empty()) {  // Damaged before it is framed.
      payload[in.Below(payload.size())] ^= static_cast<char>(in.Byte());
    } else if (how >= 240) {
      payload.resize(in.Below(payload.size() + 1));
    } else if (how >= 230) {
      payload += in.Bytes(how - 230);
    }
    const size_t cut = in.Byte();
    if (cut == 0 || cut >= payload.size()) {
      Put(FrameType::kFull, payload);
    } else {
      Put(FrameType::kFirst, std::string_view(payload).substr(0, cut));
      Put(FrameType::kLast, std::string_view(payload).substr(cut));
    }
    Model next = model_;
    if (next.Apply(edit)) model_ = std::move(next);
  }

  // Mostly a little more than `from`, now and then anything.
  uint64_t Number(FuzzInput& in, uint64_t from) {
    const uint8_t how = in.Byte();
    if (how < 240) return from + how % 16;
    if (how < 248) return from - how % 8;
    return in.Long();
  }
  uint64_t Sequence(FuzzInput& in, uint64_t from) {
    return std::min<uint64_t>(Number(in, from), kMaxSequenceNumber);
  }

  VersionEdit MakeEdit(FuzzInput& in, uint8_t what) {
    VersionEdit edit;
    const bool first = !model_.begun && what < 240;
    if (first) edit.db_id = what == 239 ? kDbId + 1 : kDbId;
    if (!first && what % 16 == 15) edit.db_id = kDbId;
    if (first || (what & 1)) {
      edit.log_number = Number(in, model_.log_number);
    }
    if (first || (what & 2)) {
      edit.next_file_number = Number(in, model_.next_file_number);
    }
    if (first || (what & 4)) {
      edit.last_sequence = Sequence(in, model_.last_sequence);
    }
    if (what & 8) {
      edit.sealed_log = SealedLog{.number = Number(in, 1),
                                  .bytes = Number(in, 72),
                                  .last_sequence = Sequence(in, 0)};
    }
    if (!first && (what & 16)) Remove(in, &edit);
    for (int i = what / 64; i > 0; --i) Add(in, &edit);
    return edit;
  }

  void Remove(FuzzInput& in, VersionEdit* edit) {
    const uint8_t how = in.Byte();
    if (model_.tables.empty() || how >= 240) {
      edit->removed.emplace_back(how % kNumLevels, in.Byte());
      return;
    }
    const auto table =
        std::next(model_.tables.begin(), in.Below(model_.tables.size()));
    edit->removed.emplace_back(table->second.level, table->first);
    if (how < 80) return;
    TableRecord moved = table->second;
    moved.level = how % kNumLevels;
    if (how >= 230) ++moved.bytes;
    edit->added.push_back(std::move(moved));
  }

  void Add(FuzzInput& in, VersionEdit* edit) {
    const uint64_t next =
        edit->next_file_number.value_or(model_.next_file_number);
    const uint64_t last = edit->last_sequence.value_or(model_.last_sequence);
    TableRecord table;
    table.level = static_cast<int>(in.Below(kNumLevels));
    table.number = next - 1 - in.Byte() % 32;
    table.bytes = Number(in, 100);
    table.identity = in.Byte();
    table.entries = Number(in, 2);
    table.tombstones = table.entries / 2;
    table.largest_sequence = Sequence(in, last - in.Byte() % 8);
    table.smallest_sequence = table.largest_sequence / 2;
    const uint8_t from = in.Byte();
    table.smallest =
        MakeInternalKey(KeyOf(from), table.largest_sequence, ValueType::kValue);
    const uint8_t to = static_cast<uint8_t>(from + in.Byte() % 8);
    table.largest = MakeInternalKey(KeyOf(to), table.smallest_sequence,
                                    ValueType::kDeletion);
    // The encoder is only for tables that can be.
    if (WhyNotATable(table).empty()) edit->added.push_back(std::move(table));
  }

  std::string file_;
  uint64_t chain_ = 0;
  uint64_t synced_ = 0;
  Model model_;  // What a reader will have, as long as all fits.
};

// --- Judging -----------------------------------------------------------------

bool AtOffset(const absl::Status& status, std::string_view path,
              uint64_t offset) {
  return absl::IsDataLoss(status) &&
         std::string_view(status.message())
             .starts_with(absl::StrCat(path, " at offset ", offset, ": "));
}

void CheckSameTables(const Version& version, const Model& model) {
  HF_CHECK(version.file_count() == model.tables.size());
  for (int level = 0; level < kNumLevels; ++level) {
    const FileList& files = version.files(level);
    HF_CHECK(WhyNotALevel(level, files).empty());
    for (size_t i = 0; i < files.size(); ++i) {
      const auto table = model.tables.find(files[i]->number);
      HF_CHECK(table != model.tables.end());
      HF_CHECK(files[i]->RecordAt(level) == table->second);
      if (i == 0) continue;
      if (level == 0) {
        HF_CHECK(files[i - 1]->largest_sequence >= files[i]->largest_sequence);
      } else {
        HF_CHECK(files[i - 1]->largest_user_key() <
                 files[i]->smallest_user_key());
      }
    }
  }
}

void CheckState(const ManifestState& state, const Model& model) {
  HF_CHECK(state.db_id == model.db_id);
  HF_CHECK(state.log_number == model.log_number);
  HF_CHECK(state.next_file_number == model.next_file_number);
  HF_CHECK(state.last_sequence == model.last_sequence);
  HF_CHECK(state.sealed_log == model.sealed_log);
  HF_CHECK(state.version != nullptr);
  CheckSameTables(*state.version, model);
}

// Written as a snapshot and read again, it is the same.
void CheckSnapshot(const ManifestState& state, const Model& model) {
  MapFileSystem fs;
  const absl::StatusOr<std::unique_ptr<LogWriter>> written =
      CreateManifest(&fs, kDir, 99, state);
  HF_CHECK(written.ok());
  HF_CHECK((*written)->synced_bytes() == (*written)->bytes());
  const CurrentFile current = {.version = 1,
                               .manifest_number = 99,
                               .db_id = state.db_id,
                               .manifest_bytes = (*written)->bytes()};
  const absl::StatusOr<ManifestState> again = ReadManifest(&fs, kDir, current);
  HF_CHECK(again.ok());
  CheckState(*again, model);
  HF_CHECK(SnapshotOf(*again) == SnapshotOf(state));
}

void CheckVersionSet(const VersionSet& versions, const Model& model) {
  HF_CHECK(versions.db_id() == model.db_id);
  HF_CHECK(versions.log_number() == model.log_number);
  HF_CHECK(versions.last_sequence() == model.last_sequence);
  HF_CHECK(versions.sealed_log() == model.sealed_log);
  HF_CHECK(versions.next_file_number() >= model.next_file_number);
  CheckSameTables(*versions.current(), model);
}

// Recovers from the files, writes a manifest, and recovers from that.
void CheckRecovery(MapFileSystem& fs, const CurrentFile& current,
                   const Model& model, FuzzInput& choices) {
  const VersionSet::Options options = {.file_system = &fs,
                                       .dir = std::string(kDir)};
  for (const auto& [number, table] : model.tables) {
    fs.sizes[TableFileName(kDir, number)] = table.bytes;
  }
  if (!model.tables.empty()) {
    const auto table =
        std::next(model.tables.begin(), choices.Below(model.tables.size()));
    const std::string path = TableFileName(kDir, table->first);
    if (choices.Bool()) {
      fs.sizes[path] ^= 1;
    } else {
      fs.sizes.erase(path);
    }
    VersionSet wrong(options);
    const absl::Status status = wrong.Recover();
    HF_CHECK(absl::IsDataLoss(status));
    HF_CHECK(std::string_view(status.message()).starts_with(path));
    fs.sizes[path] = table->second.bytes;
  }
  VersionSet versions(options);
  HF_CHECK(versions.Recover().ok());
  HF_CHECK(versions.next_file_number() == model.next_file_number);
  CheckVersionSet(versions, model);
  // As recovery does with the numbers that it finds.
  versions.MarkFileNumberUsed(current.manifest_number);
  const uint64_t number = versions.next_file_number();
  HF_CHECK(versions.LogAndApply({}).ok());
  HF_CHECK(versions.manifest_number() == number);
  CheckVersionSet(versions, model);
  if (choices.Bool()) HF_CHECK(versions.Close().ok());
  VersionSet again(options);
  HF_CHECK(again.Recover().ok());
  HF_CHECK(again.manifest_number() == number);
  HF_CHECK(again.next_file_number() == number + 1);
  CheckVersionSet(again, model);
}

// The inspection of a manifest sees the same edits.
void CheckForEachEdit(MapFileSystem& fs, const std::string& path,
                      const Expected& expected) {
  size_t seen = 0;
  const absl::Status status =
      ForEachEdit(&fs, path, [&](uint64_t offset, const VersionEdit& edit) {
        HF_CHECK(offset >= kLogHeaderFrameBytes);
        if (seen < expected.edits.size()) {
          HF_CHECK(edit == expected.edits[seen]);
        }
        ++seen;
        return absl::OkStatus();
      });
  if (expected.code == absl::StatusCode::kOk) {
    HF_CHECK(status.ok());
    HF_CHECK(seen == expected.edits.size());
  }
}

// What is done besides reading it. All takes four times as long.
enum Which { kAll, kEdits, kSnapshot, kRecovery };

void Check(const std::string& file, const CurrentFile& current, Which which,
           FuzzInput choices) {
  MapFileSystem fs;
  const std::string path = ManifestFileName(kDir, current.manifest_number);
  fs.files[path] = file;
  fs.files[CurrentFileName(kDir)] = EncodeCurrent(current);
  const ReferenceLog log =
      ReadByTheBook(file, {current.db_id, 2, current.manifest_number},
                    current.manifest_bytes);
  const Expected expected = ReadByModel(log, current.db_id);

  const absl::StatusOr<CurrentFile> named = ReadCurrent(&fs, kDir);
  HF_CHECK(named.ok());
  HF_CHECK(EncodeCurrent(*named) == EncodeCurrent(current));
  const AllocationMeter meter;
  const absl::StatusOr<ManifestState> state = ReadManifest(&fs, kDir, *named);
  HF_CHECK(meter.peak_bytes() <= 64 * file.size() + 65536);
  HF_CHECK(state.status().code() == expected.code);
  if (which == kAll || which == kEdits) CheckForEachEdit(fs, path, expected);
  if (!state.ok()) {
    if (absl::IsDataLoss(state.status())) {
      HF_CHECK(AtOffset(state.status(), path, expected.offset));
    }
    if (which != kAll && which != kRecovery) return;
    VersionSet versions({.file_system = &fs, .dir = std::string(kDir)});
    HF_CHECK(versions.Recover() == state.status());
    return;
  }
  CheckState(*state, expected.model);
  if (which == kAll || which == kSnapshot) {
    CheckSnapshot(*state, expected.model);
  }
  if (which == kAll || which == kRecovery) {
    CheckRecovery(fs, current, expected.model, choices);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput in(data, size);
  const uint8_t how = in.Byte();
  FuzzInput choices(in.Bytes(7));
  CurrentFile current = {
      .version = 1, .manifest_number = kNumber, .db_id = kDbId};
  std::string file;
  if (how & 1) {
    file = in.Rest();
    if (how & 2) current.manifest_bytes = file.size() - choices.Byte();
    // The log that it claims to be, so that any manifest is a seed.
    if (file.size() >= kLogHeaderFrameBytes) {
      const char* const payload = file.data() + kFrameHeaderBytes;
      current.db_id = DecodeFixed64(payload + 8);
      current.manifest_number = DecodeFixed64(payload + 16) & UINT32_MAX;
    }
  } else {
    Maker maker;
    maker.Run(in);
    file = std::move(maker.file());
    if (how & 2) current.manifest_bytes = maker.synced();
    if (how & 4) {
      file[choices.Short() % file.size()] ^= static_cast<char>(choices.Byte());
    }
    if (how & 8) file.resize(choices.Short() % (file.size() + 1));
  }
  Check(file, current, static_cast<Which>(how >> 6), choices);
  return 0;
}
