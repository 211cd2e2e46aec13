#include "fuzz/log/seeds.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "chaos/damage/golden.h"
#include "engine/format/log_frame.h"
#include "fuzz/seeds/seed_bytes.h"
#include "fuzz/seeds/seed_sink.h"

namespace holdfast {
namespace {

// Larger files are slow, and show nothing more.
constexpr size_t kMostSeedBytes = 4096;

// --- log_frame_fuzz ----------------------------------------------------------

// What comes before the bytes: the place of a frame; or, with `payload`, that
// they are a payload or a file.
std::string FramePlace(const LogIdentity& identity, uint64_t offset,
                       uint64_t previous_checksum, bool payload = false) {
  std::string place;
  PutFixed64(&place, offset);
  PutFixed64(&place, previous_checksum);
  PutFixed64(&place, identity.db_id);
  PutFixed64(&place, identity.number);
  place += static_cast<char>((identity.kind == LogKind::kManifest ? 1 : 0) +
                             (payload ? 2 : 0));
  place += "0123456789abcdef";  // Choices.
  return place;
}

void AddFrameSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "log_frame_fuzz";
  for (const LogKind kind : {LogKind::kWal, LogKind::kManifest}) {
    const LogIdentity identity = {
        .db_id = 0x1122334455667788, .kind = kind, .number = 7};
    const std::string_view log = LogKindName(kind);
    const LogHeader header = {.version = 1,
                              .kind = kind,
                              .db_id = identity.db_id,
                              .number = 7,
                              .previous_number = 5,
                              .previous_bytes = 1000,
                              .first_sequence = 42};
    std::string frame;
    const uint64_t checksum =
        AppendFrame(&frame, identity.context(), 0, 0, FrameType::kHeader, 0,
                    EncodeLogHeader(header));
    sink.Add(kTarget, absl::StrCat(log, "-header"),
             FramePlace(identity, 0, 0) + frame);
    sink.Add(kTarget, absl::StrCat(log, "-peek"),
             FramePlace(identity, 0, 0, true) + frame);
    sink.Add(kTarget, absl::StrCat(log, "-peek-cut"),
             FramePlace(identity, 0, 0, true) + frame.substr(0, 71));
    std::string damaged = frame;
    damaged.back() ^= 1;
    sink.Add(kTarget, absl::StrCat(log, "-peek-damaged"),
             FramePlace(identity, 0, 0, true) + damaged);
    std::string full;
    AppendFrame(&full, identity.context(), 0, 0, FrameType::kFull, 0,
                EncodeLogHeader(header));
    sink.Add(kTarget, absl::StrCat(log, "-peek-no-header"),
             FramePlace(identity, 0, 0, true) + full);
    const uint64_t offset = frame.size();
    for (int type = 1; type <= 6; ++type) {
      frame.clear();
      AppendFrame(&frame, identity.context(), offset, checksum,
                  static_cast<FrameType>(type), offset,
                  type == 6 ? EncodeLogSeal({.successor = 8}) : "payload");
      sink.Add(kTarget, absl::StrCat(log, "-type-", type),
               FramePlace(identity, offset, checksum) + frame);
    }
    sink.Add(kTarget, absl::StrCat(log, "-header-payload"),
             FramePlace(identity, 0, 0, true) + EncodeLogHeader(header));
    LogHeader later = header;
    later.version = 2;
    sink.Add(kTarget, absl::StrCat(log, "-header-of-later-version"),
             FramePlace(identity, 0, 0, true) + EncodeLogHeader(later));
    LogHeader largest = header;
    largest.first_sequence = kMaxSequenceNumber + 1;
    sink.Add(kTarget, absl::StrCat(log, "-header-out-of-range"),
             FramePlace(identity, 0, 0, true) + EncodeLogHeader(largest));
  }
  sink.Add(kTarget, "seal-payload",
           FramePlace({}, 100, 5, true) + EncodeLogSeal({.successor = 8}));
  sink.Add(kTarget, "nothing", "");
}

// --- log_reader_fuzz ---------------------------------------------------------

void AddReaderSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "log_reader_fuzz";
  // how, place, required bytes
  const std::string plain = Bytes({0, 0, 0, 0, 0});
  for (const std::string& name : GoldenNames()) {
    const Golden golden = MakeGolden(name);
    for (const auto& [file, content] : golden.files) {
      if (content.size() > kMostSeedBytes) continue;
      if (!absl::EndsWith(file, ".wal") && !absl::StartsWith(file, "MANIFEST"))
        continue;
      sink.Add(kTarget, absl::StrCat(name, "-", file), plain + content);
    }
  }
  const Golden golden = MakeGolden("log-synced");
  const std::string log = golden.files.at(golden.logs.back().name);
  sink.Add(kTarget, "more-is-required", Bytes({1, 0, 0, 255, 255}) + log);
  sink.Add(kTarget, "a-byte-at-a-time", Bytes({2, 0, 0, 0, 0}) + log);
  sink.Add(kTarget, "unreadable", Bytes({6, 120, 0, 0, 0}) + log);
  sink.Add(kTarget, "cut", plain + log.substr(0, log.size() - 5));
  sink.Add(kTarget, "zeros-behind", plain + log + std::string(300, '\0'));
  std::string damaged = log;
  damaged[100] ^= 1;
  sink.Add(kTarget, "damaged", plain + damaged);
  damaged = log;
  damaged[30] ^= 1;
  sink.Add(kTarget, "damaged-header", plain + damaged);
  damaged = log;
  damaged[kFrameHeaderBytes + kLogHeaderBytes - 1] ^= 1;
  sink.Add(kTarget, "damaged-end-of-header", plain + damaged);
  const LogHeader header = {
      .version = 1, .kind = LogKind::kWal, .db_id = 5, .number = 7};
  std::string first;
  AppendFrame(&first, header.identity().context(), 0, 0, FrameType::kFull, 0,
              EncodeLogHeader(header));
  sink.Add(kTarget, "first-is-no-header", plain + first);
  sink.Add(kTarget, "too-short", plain + log.substr(0, 71));
  sink.Add(kTarget, "empty", "");
}

// --- log_frames_fuzz ---------------------------------------------------------

// The program is behind one byte for the way and twelve for what is done to the
// log in the end.
void AddFramesSeeds(SeedSink& sink) {
  const auto add_to = [&](std::string_view target, std::string_view name,
                          int way, std::initializer_list<int> end,
                          std::initializer_list<int> program) {
    std::string harm = Bytes(end);
    harm.resize(12);
    sink.Add(target, name, Bytes({way}) + harm + Bytes(program));
  };
  const auto add = [&](std::string_view name, int way,
                       std::initializer_list<int> end,
                       std::initializer_list<int> program) {
    add_to("log_frames_fuzz", name, way, end, program);
  };
  const auto add_large = [&](std::string_view name, int way,
                             std::initializer_list<int> end,
                             std::initializer_list<int> program) {
    add_to("log_large_fuzz", name, way, end, program);
  };
  // By the writer: 0 a record (length, last byte, cut), 3 a sync, 4 a record
  // that fails, 133 a sync that fails, 134 a seal. In the end: whether the
  // caller knows what is synced, then the harm (5: none).
  add("writer-whole", 0, {0, 5}, {0, 5, 1, 2, 3, 0, 9, 2, 3, 134, 8});
  add("writer-flip-before-sync", 0, {0, 0, 100, 1},
      {0, 5, 1, 2, 3, 0, 9, 2, 3, 0, 9, 3, 1});
  add("writer-flip-behind-sync", 0, {0, 0, 110, 1},
      {3, 0, 5, 1, 2, 0, 9, 2, 3, 0, 9, 3, 1});
  add("writer-known", 0, {1, 0, 100, 1}, {0, 5, 1, 2, 3});
  add("writer-cut", 0, {0, 1, 110}, {3, 0, 5, 1, 2, 0, 9, 2, 3});
  add("writer-sector", 0, {0, 2, 10}, {0, 63, 1, 2, 3, 0, 9, 2, 3});
  add("writer-unused-space", 0, {0, 3, 0, 200, 1}, {0, 5, 1, 2, 3});
  add("writer-noise-behind", 0, {0, 4, 0, 7, 7, 7}, {0, 5, 1, 2, 3});
  add("writer-failed-write", 0, {0, 5}, {0, 5, 1, 2, 4, 60, 1, 90, 0, 5, 1, 2});
  add("writer-failed-sync", 0, {0, 5}, {0, 5, 1, 2, 133});
  add_large("writer-whole", 0, {0, 5}, {3, 8, 128, 1, 2, 3, 0, 5, 1, 2});
  add_large("writer-flip", 0, {0, 0, 0, 0, 4, 0, 1},
            {3, 8, 192, 1, 2, 3, 0, 5, 1, 2});
  // By hand: 0 full (length, last byte), 131 first to last, 4 a sync, 5 a seal,
  // 6 any, 7 with a number for synced, 8 zeros, 9 noise, 10 another log's, 11
  // after an earlier one, 12 of another place, 13 again, 14 back, 15 harm.
  add("hand-whole", 1, {}, {0, 5, 1, 131, 3, 1, 4, 2, 5, 3, 6, 4, 5, 9});
  add("hand-hole", 1, {}, {0, 5, 1, 4, 8, 40, 0, 6, 2});
  add("hand-hole-unsynced", 1, {}, {4, 0, 5, 1, 8, 40, 0, 6, 2});
  add("hand-wrong-order", 1, {}, {0, 5, 1, 6, 2, 5, 1});
  add("hand-second-header", 1, {}, {0, 5, 1, 6, 4, 5, 1});
  add("hand-stale-seal", 1, {}, {0, 5, 1, 5, 9, 4, 0, 5, 1});
  add("hand-seal-of-wrong-length", 1, {}, {0, 5, 1, 6, 5, 7, 1});
  add("hand-of-other-log", 1, {}, {0, 5, 1, 10, 0, 5, 1, 2, 0, 5, 1});
  add("hand-earlier-chain", 1, {}, {0, 5, 1, 0, 5, 2, 11, 0, 5, 1, 2});
  add("hand-other-place", 1, {}, {0, 5, 1, 12, 0, 5, 1, 6, 0, 5, 2});
  add("hand-again", 1, {}, {0, 5, 1, 0, 5, 2, 13, 1, 13, 2});
  add("hand-back", 1, {}, {0, 5, 1, 0, 5, 2, 0, 5, 3, 14, 2, 0, 5, 4});
  add("hand-torn", 1, {}, {0, 5, 1, 67, 5, 2, 5, 3, 5, 4, 15, 0, 180});
  add("hand-required", 3, {0, 1}, {0, 5, 1, 4, 0, 5, 2, 15, 2, 90});
  add_large("hand-witness-beyond-a-chunk", 1, {},
            {0, 5, 1, 4, 248, 20, 0, 5, 2});
  add_large("hand-unreadable-behind-a-chunk", 1, {2, 0, 64},
            {0, 5, 1, 4, 248, 100, 0, 5, 2});
  add_large("hand-flip", 1, {}, {16, 200, 1, 4, 0, 5, 2, 15, 2, 90, 1});
  add("hand-header-of-other-log", 145, {}, {0, 5, 1});
  add("hand-header-of-later-version", 145 - 16, {}, {0, 5, 1});
  add("hand-header-too-short", 193 + 20, {}, {0, 5, 1});
  add("hand-a-few-at-a-time", 1, {1}, {0, 5, 1, 131, 3, 1, 4, 2, 5, 3, 6, 4});
}

// --- manifest_fuzz -----------------------------------------------------------

void AddManifestSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "manifest_fuzz";
  for (const std::string& name : GoldenNames()) {
    const Golden golden = MakeGolden(name);
    for (const auto& [file, content] : golden.files) {
      if (content.size() > kMostSeedBytes) continue;
      if (!absl::StartsWith(file, "MANIFEST")) continue;
      // A file, of which all is durable but for as much as the next byte says.
      sink.Add(kTarget, absl::StrCat(name, "-", file),
               Bytes({3, 0, 0, 0, 0, 0, 0, 0}) + content);
    }
  }
  const auto add = [&](std::string_view name, int how,
                       std::initializer_list<int> choices,
                       std::initializer_list<int> program) {
    std::string harm = Bytes(choices);
    harm.resize(7);
    sink.Add(kTarget, name, Bytes({how}) + harm + Bytes(program));
  };
  // An edit: its fields as bits (1 log, 2 next, 4 last, 8 sealed, 16 removed,
  // 64 and 128 tables added), the numbers, then what is done to its bytes and
  // where it is cut. A table: level, number, bytes, identity, entries, largest
  // sequence (twice), keys.
  const std::initializer_list<int> two_tables = {
      0,   2, 9, 15, 0, 0,  // A snapshot.
      134, 5, 9, 1,  0, 0, 1, 2, 0,  0, 0, 3, 4,
      1,   1, 0, 0,  1, 2, 0, 0, 20, 4, 0, 0};
  add("two-tables", 0, {}, two_tables);
  add("two-tables-known", 2, {0, 1, 1}, two_tables);
  add("cut", 8, {200, 0}, two_tables);
  add("flipped", 4, {150, 0, 1}, two_tables);
  add("removed", 0, {}, {0, 2, 9, 15, 0, 0, 70, 9,  9, 1, 3, 0, 0, 1,
                         2, 0, 0, 5,  3, 0, 0,  16, 0, 0, 0, 0, 0});
  add("moved", 0, {}, {0, 2, 9, 15, 0, 0, 70, 9,  9, 1,  3, 0, 0,   1,
                       2, 0, 0, 5,  3, 0, 0,  16, 0, 90, 0, 0, 250, 249});
  add("goes-back", 0, {}, {0, 2, 9, 15, 0, 0, 2, 245, 0, 0});
  add("log-goes-back", 0, {}, {0, 2, 9, 15, 0, 0, 1, 241, 0, 0});
  add("sequence-goes-back", 0, {}, {0, 2, 9, 15, 0, 0, 4, 241, 0, 0});
  add("log-after-next", 0, {}, {0, 2, 9, 15, 0, 0, 1, 15, 0, 0});
  add("database-again", 0, {}, {0, 2, 9, 15, 0, 0, 15, 0, 0, 0, 0, 0, 0, 0, 0});
  add("table-after-next", 0, {},
      {0, 2, 9, 15, 0, 0, 64, 1, 20, 0, 1, 2, 0, 0, 0, 3, 0, 0});
  add("not-a-snapshot", 0, {}, {241, 2, 0, 0});
  add("other-database", 0, {}, {239, 2, 9, 15, 0, 0, 0, 0});
  add("sealed", 0, {}, {8, 2, 9, 15, 1, 1, 1, 0, 0, 250, 249});
  add("fragments", 0, {}, {0, 2, 9, 15, 0, 10});
  add("damaged-edit", 0, {}, {0, 2, 9, 15, 255, 3, 8, 0});
}

// --- wal_replay_fuzz ---------------------------------------------------------

void AddReplaySeeds(SeedSink& sink) {
  const auto add = [&](std::string_view name, int how,
                       std::initializer_list<int> harm,
                       std::initializer_list<int> program) {
    std::string place = Bytes(harm);
    place.resize(7);
    sink.Add("wal_replay_fuzz", name, Bytes({how}) + place + Bytes(program));
  };
  // 1 to 3 a record of so many changes (key, bytes of value), from 64 cut, from
  // 72 damaged, from 80 large, from 96 in fragments, from 100 a wrong count,
  // from 112 another first number; 128 a sync, 160 to 175 any record, 176 a
  // seal, 200 a log that nothing leads to, 220 noise, 230 zeros.
  add("nothing", 0, {}, {});
  add("records", 0, {}, {1, 0, 5, 2, 1, 3, 2, 4, 3, 3, 7, 12, 1});
  add("records-then-close", 2, {}, {1, 0, 5, 2, 1, 3, 2, 4, 128, 1, 9, 9});
  add("chain", 0, {}, {1, 0, 5, 128, 176, 0, 1, 9, 4, 176, 1, 2, 8, 2, 9, 2});
  add("chain-cut", 1, {40, 0, 80, 0}, {1, 0, 5, 128, 176, 0, 1, 9, 4});
  add("chain-missing", 1, {0, 1}, {1, 0, 5, 128, 176, 0, 1, 9, 4});
  add("chain-flipped", 1, {100, 0, 90, 0, 1}, {1, 0, 5, 176, 0, 1, 9, 4});
  add("chain-backwards", 0, {}, {1, 0, 5, 176, 212, 1, 9, 4});
  add("chain-to-nowhere", 0, {}, {1, 0, 5, 176, 230, 1, 2, 3, 4, 5, 6, 7, 8});
  add("known-to-be-longer", 0, {}, {1, 0, 5, 176, 7, 255, 1, 9, 4});
  add("unreached", 0, {}, {1, 0, 5, 200});
  add("unreached-with-record", 0, {}, {1, 0, 5, 200, 1, 9, 4});
  add("goes-back", 0, {}, {1, 0, 5, 1, 1, 5, 113, 127, 2, 2});
  add("leaps", 0, {}, {1, 0, 5, 113, 200, 2, 2, 1, 3, 3});
  add("far-too-high", 0, {}, {125, 253, 255, 255, 255, 255, 255, 255, 0, 1, 1});
  add("huge-count", 0, {}, {109, 255, 255, 255, 255, 1, 1});
  add("wrong-count", 0, {}, {101, 1, 2, 2});
  add("no-changes", 0, {}, {0, 0, 1, 2, 2});
  add("cut-record", 0, {}, {65, 1, 2, 10});
  add("damaged-record", 0, {}, {73, 1, 2, 9, 7});
  add("any-record", 0, {}, {163, 1, 2, 3});
  add("fragments", 0, {}, {97, 1, 9, 12, 97, 1, 9, 12});
  add("large", 0, {}, {81, 1, 1, 81, 2, 2, 81, 4, 3, 1, 5, 5});
  add("key-over-its-limit", 0, {}, {85, 1, 1});
  add("noise", 0, {}, {1, 0, 5, 223, 9, 9, 9, 9});
  add("zeros", 0, {}, {1, 0, 5, 233, 90});
}

}  // namespace

void AddLogSeeds(SeedSink& sink) {
  AddFrameSeeds(sink);
  AddReaderSeeds(sink);
  AddFramesSeeds(sink);
  AddManifestSeeds(sink);
  AddReplaySeeds(sink);
}

}  // namespace holdfast
