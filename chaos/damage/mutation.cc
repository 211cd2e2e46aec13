#include "chaos/damage/mutation.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/random.h"
#include "base/status_util.h"
#include "engine/format/file_names.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {
namespace {

using Kind = DamageStep::Kind;

constexpr std::array<std::string_view, 10> kKindNames = {
    "flip", "fill", "noise",   "copy",     "swap",
    "cut",  "grow", "replace", "exchange", "remove"};

constexpr uint64_t kWideFrom = uint64_t{16} << 10;

absl::Status Malformed(std::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("not a damage: ", text));
}

bool ParseNumbers(std::string_view text, char separator, uint64_t* a,
                  uint64_t* b) {
  const std::pair<std::string_view, std::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(separator, 1));
  return absl::SimpleAtoi(parts.first, a) && absl::SimpleAtoi(parts.second, b);
}

std::string Noise(uint64_t bytes, uint64_t seed) {
  Random random(seed);
  std::string noise(bytes, '\0');
  for (char& byte : noise) byte = static_cast<char>(random.Next64());
  return noise;
}

// The files of one database while damage is done to them.
class Patient {
 public:
  Patient(const Golden& golden, Goldens* goldens)
      : golden_(golden), goldens_(*goldens) {}

  absl::Status Do(const DamageStep& step) {
    if (step.kind == Kind::kRemove) {
      HF_RETURN_IF_ERROR(Find(step.file).status());
      changed_[step.file] = std::nullopt;
      return absl::OkStatus();
    }
    HF_ASSIGN_OR_RETURN(std::string content, Find(step.file));
    HF_RETURN_IF_ERROR(Do(step, &content));
    changed_[step.file] = std::move(content);
    return absl::OkStatus();
  }

  ChangedFiles Changed() && {
    for (auto it = changed_.begin(); it != changed_.end();) {
      const auto before = golden_.files.find(it->first);
      const bool same =
          before != golden_.files.end() && it->second == before->second;
      it = same ? changed_.erase(it) : std::next(it);
    }
    return std::move(changed_);
  }

 private:
  absl::StatusOr<std::string> Find(const std::string& name) const {
    const auto changed = changed_.find(name);
    if (changed != changed_.end() && changed->second.has_value()) {
      return *changed->second;
    }
    const auto file = golden_.files.find(name);
    if (changed == changed_.end() && file != golden_.files.end()) {
      return file->second;
    }
    return absl::NotFoundError(
        absl::StrCat("no file ", name, " in golden database ", golden_.name));
  }

  absl::StatusOr<std::string> Source(const std::string& name) const {
    const std::vector<std::string> path = absl::StrSplit(name, '/');
    if (path.size() == 2) {
      const Golden& other = path[0] == "twin" ? goldens_.Twin(golden_.name)
                                              : goldens_.Get(path[0]);
      const auto file = other.files.find(path[1]);
      if (file != other.files.end()) return file->second;
      return absl::NotFoundError(absl::StrCat("no file ", name));
    }
    const std::vector<std::string> parts = absl::StrSplit(name, '@');
    if (parts.size() == 1) return Find(name);
    const auto versions = golden_.versions.find(parts[0]);
    uint64_t n = 0;
    if (versions == golden_.versions.end() || !absl::SimpleAtoi(parts[1], &n) ||
        n >= versions->second.size()) {
      return absl::NotFoundError(absl::StrCat("no version ", name));
    }
    return versions->second[n];
  }

  // Writes bytes there as a disk would: past the end the file grows.
  static void Overwrite(std::string* content, uint64_t offset,
                        std::string_view bytes) {
    if (content->size() < offset + bytes.size()) {
      content->resize(offset + bytes.size());
    }
    content->replace(offset, bytes.size(), bytes);
  }

  absl::Status Do(const DamageStep& step, std::string* content) {
    const uint64_t size = content->size();
    switch (step.kind) {
      case Kind::kFlip:
        if (step.offset >= size || step.bytes > 7) return Malformed("flip");
        (*content)[step.offset] = static_cast<char>(
            static_cast<unsigned char>((*content)[step.offset]) ^
            (1U << step.bytes));
        return absl::OkStatus();
      case Kind::kFill: {
        const std::string byte = absl::HexStringToBytes(step.source);
        const uint64_t end = std::min(size, step.offset + step.bytes);
        for (uint64_t i = step.offset; i < end; ++i) (*content)[i] = byte[0];
        return absl::OkStatus();
      }
      case Kind::kNoise:
        if (step.offset < size) {
          const uint64_t n = std::min(step.bytes, size - step.offset);
          content->replace(step.offset, n, Noise(n, step.offset));
        }
        return absl::OkStatus();
      case Kind::kCopy: {
        HF_ASSIGN_OR_RETURN(const std::string source, Source(step.source));
        if (step.other < source.size()) {
          Overwrite(content, step.offset,
                    std::string_view(source).substr(step.other, step.bytes));
        }
        return absl::OkStatus();
      }
      case Kind::kSwap: {
        const uint64_t last = std::max(step.offset, step.other);
        if (last >= size) return absl::OkStatus();
        const uint64_t n = std::min(step.bytes, size - last);
        const std::string first = content->substr(step.offset, n);
        const std::string second = content->substr(step.other, n);
        content->replace(step.offset, n, second);
        content->replace(step.other, n, first);
        return absl::OkStatus();
      }
      case Kind::kCut:
        content->resize(std::min(size, step.offset));
        return absl::OkStatus();
      case Kind::kGrow:
        if (step.source == "noise") {
          content->append(Noise(step.bytes, size));
        } else if (step.source == "tail") {
          const uint64_t n = std::min(step.bytes, size);
          content->append(content->substr(size - n));
        } else {
          content->append(step.bytes, absl::HexStringToBytes(step.source)[0]);
        }
        return absl::OkStatus();
      case Kind::kReplace: {
        HF_ASSIGN_OR_RETURN(*content, Source(step.source));
        return absl::OkStatus();
      }
      case Kind::kExchange: {
        HF_ASSIGN_OR_RETURN(std::string other, Find(step.source));
        changed_[step.source] = *content;
        *content = std::move(other);
        return absl::OkStatus();
      }
      case Kind::kRemove:
        break;
    }
    HF_CHECK(false);
    return absl::OkStatus();
  }

  const Golden& golden_;
  Goldens& goldens_;
  ChangedFiles changed_;
};

// --- Which damages there are ---------------------------------------------

class Enumeration {
 public:
  Enumeration(const Golden& golden, const DamageTier& tier, Goldens* goldens,
              absl::FunctionRef<void(const Damage&)> body)
      : golden_(golden), tier_(tier), goldens_(*goldens), body_(body) {}

  void Run() {
    for (const auto& [file, content] : golden_.files) {
      Flips(file, content);
      Cuts(file, content);
      Wipes(file, content);
      Sectors(file, content);
      Pieces(file, content);
      SwappedRanges(file, content);
      Growths(file, content);
      WholeFiles(file, content);
    }
    if (!golden_.closed) TornTails();
  }

 private:
  void Try(DamageStep step) { body_({{std::move(step)}}); }
  void Try(Kind kind, const std::string& file, uint64_t offset, uint64_t bytes,
           uint64_t other = 0, const std::string& source = "") {
    Try({.kind = kind,
         .file = file,
         .offset = offset,
         .bytes = bytes,
         .other = other,
         .source = source});
  }

  bool Small(const std::string& content) const {
    return content.size() <= tier_.every_bit_up_to;
  }
  // Places at which something is tried that is tried at every byte of a small
  // file: of larger ones around sectors and frames, and evenly spread.
  std::vector<uint64_t> Places(const std::string& file,
                               const std::string& content) const {
    std::set<uint64_t> places;
    const uint64_t size = content.size();
    // The larger, the wider apart, so that no file takes all the time.
    const uint64_t step =
        Small(content) ? tier_.thin : tier_.byte_step * (1 + size / kWideFrom);
    for (uint64_t at = 0; at < size; at += step) places.insert(at);
    if (step > 1) {
      const auto around = [&](uint64_t at) {
        if (at > 0) places.insert(at - 1);
        places.insert(at);
        places.insert(at + 1);
      };
      for (uint64_t at = 0; at <= size; at += kSectorBytes) around(at);
      for (const FilePiece& piece : golden_.PiecesOf(file))
        around(piece.offset);
      places.erase(places.lower_bound(size), places.end());
      if (size > 0) places.insert(size - 1);
    }
    return {places.begin(), places.end()};
  }

  void Flips(const std::string& file, const std::string& content) {
    if (Small(content)) {
      for (uint64_t bit = 0; bit < 8 * content.size(); bit += tier_.thin) {
        // Every bit of a byte gets its turn also when they are thinned out.
        Try(Kind::kFlip, file, bit / 8,
            tier_.thin == 1 ? bit % 8 : (bit / tier_.thin) % 8);
      }
      return;
    }
    for (const uint64_t at : Places(file, content)) {
      Try(Kind::kFlip, file, at, at % 8);
    }
  }

  void Cuts(const std::string& file, const std::string& content) {
    for (const uint64_t at : Places(file, content))
      Try(Kind::kCut, file, at, 0);
  }

  // From some place to the end, as when the end never reached the disk.
  void Wipes(const std::string& file, const std::string& content) {
    uint64_t n = 0;
    for (const uint64_t at : Places(file, content)) {
      const uint64_t rest = content.size() - at;
      switch (n++ % 3) {
        case 0:
          Try(Kind::kFill, file, at, rest, 0, "00");
          break;
        case 1:
          Try(Kind::kNoise, file, at, rest);
          break;
        default:
          Try(Kind::kFill, file, at, rest, 0, "ff");
      }
    }
  }

  // The sources from which a stale or misdirected range may come: files of the
  // same disk, earlier versions, files that are gone, and another database.
  std::vector<std::pair<std::string, const std::string*>> Sources() {
    std::vector<std::pair<std::string, const std::string*>> sources;
    for (const auto& [name, content] : golden_.files) {
      sources.emplace_back(name, &content);
    }
    for (const auto& [name, versions] : golden_.versions) {
      for (size_t i = 0; i < versions.size(); ++i) {
        sources.emplace_back(absl::StrCat(name, "@", i), &versions[i]);
      }
    }
    for (const auto& [name, content] : goldens_.Twin(golden_.name).files) {
      sources.emplace_back(absl::StrCat("twin/", name), &content);
    }
    return sources;
  }

  // The ranges of a file with the same range of every source, each content
  // once.
  void StaleRange(const std::string& file, const std::string& content,
                  uint64_t at, uint64_t bytes) {
    std::set<std::string_view> seen = {
        std::string_view(content).substr(at, bytes)};
    for (const auto& [name, source] : Sources()) {
      if (name == file || source->size() <= at) continue;
      const std::string_view theirs =
          std::string_view(*source).substr(at, bytes);
      if (!seen.insert(theirs).second) continue;
      Try(Kind::kCopy, file, at, theirs.size(), at, name);
    }
  }

  void Sectors(const std::string& file, const std::string& content) {
    const uint64_t size = content.size();
    const uint64_t sectors = (size + kSectorBytes - 1) / kSectorBytes;
    for (uint64_t i = 0; i < sectors; ++i) {
      const uint64_t at = i * kSectorBytes;
      Try(Kind::kFill, file, at, kSectorBytes, 0, "00");
      Try(Kind::kFill, file, at, kSectorBytes, 0, "ff");
      Try(Kind::kNoise, file, at, kSectorBytes);
      StaleRange(file, content, at, kSectorBytes);
      for (const uint64_t j : Partners(i, sectors)) {
        const uint64_t there = j * kSectorBytes;
        Try(Kind::kCopy, file, at, std::min(kSectorBytes, size - there), there,
            file);
        if (j > i) Try(Kind::kSwap, file, at, kSectorBytes, there);
      }
    }
  }

  // With which of n things the i-th is paired.
  std::vector<uint64_t> Partners(uint64_t i, uint64_t n) const {
    std::set<uint64_t> partners;
    if (n <= tier_.pairs_up_to) {
      for (uint64_t j = 0; j < n; ++j) partners.insert(j);
    } else {
      partners = {0, n - 1, (i + 1) % n, (i + n - 1) % n, (i + n / 2) % n};
    }
    partners.erase(i);
    return {partners.begin(), partners.end()};
  }

  // Frames and blocks in the place of others: whole and right by themselves.
  void Pieces(const std::string& file, const std::string& content) {
    const std::vector<FilePiece> pieces = golden_.PiecesOf(file);
    for (uint64_t i = 0; i < pieces.size(); ++i) {
      const FilePiece& to = pieces[i];
      StaleRange(file, content, to.offset, to.bytes);
      Try(Kind::kFill, file, to.offset, to.bytes, 0, "00");
      for (const uint64_t j : Partners(i, pieces.size())) {
        const FilePiece& from = pieces[j];
        Try(Kind::kCopy, file, to.offset, from.bytes, from.offset, file);
        if (j > i && from.bytes == to.bytes) {
          Try(Kind::kSwap, file, to.offset, to.bytes, from.offset);
        }
      }
      for (const auto& [other, theirs] : golden_.files) {
        if (other == file) continue;
        const std::vector<FilePiece> others = golden_.PiecesOf(other);
        for (const uint64_t j : Partners(i, others.size())) {
          Try(Kind::kCopy, file, to.offset, others[j].bytes, others[j].offset,
              other);
        }
      }
    }
  }

  // Of any size at any place: neither sectors nor blocks.
  void SwappedRanges(const std::string& file, const std::string& content) {
    constexpr int kRanges = 50;
    Random random(content.size());
    for (int i = 0; i < kRanges; ++i) {
      const uint64_t bytes =
          1 + random.Uniform(std::min<uint64_t>(content.size() / 2, 300));
      const uint64_t places = content.size() - bytes + 1;
      const uint64_t from = random.Uniform(places);
      Try(Kind::kSwap, file, from, bytes, random.Uniform(places));
    }
  }

  void Growths(const std::string& file, const std::string& content) {
    for (const uint64_t bytes :
         {uint64_t{1}, uint64_t{8}, uint64_t{24}, uint64_t{88}, uint64_t{512},
          uint64_t{1000}, content.size()}) {
      for (const char* with : {"00", "ff", "noise", "tail"}) {
        Try(Kind::kGrow, file, 0, bytes, 0, with);
      }
    }
    for (const FilePiece& piece : golden_.PiecesOf(file)) {
      Try(Kind::kCopy, file, content.size(), piece.bytes, piece.offset, file);
    }
  }

  void WholeFiles(const std::string& file, const std::string& content) {
    Try(Kind::kRemove, file, 0, 0);
    Try(Kind::kCut, file, 0, 0);
    std::set<std::string_view> seen = {content};
    const auto replace = [&](const std::string& name,
                             const std::string& theirs) {
      if (seen.insert(theirs).second) {
        Try(Kind::kReplace, file, 0, 0, 0, name);
      }
    };
    for (const auto& [name, source] : Sources()) replace(name, *source);
    for (const std::string& name : GoldenNames()) {
      if (name == golden_.name || name == "fragments") continue;
      for (const auto& [other, theirs] : goldens_.Get(name).files) {
        if (SameKind(file, other)) {
          replace(absl::StrCat(name, "/", other), theirs);
        }
      }
    }
    for (const auto& [other, theirs] : golden_.files) {
      if (other > file) Try(Kind::kExchange, file, 0, 0, 0, other);
    }
  }

  static bool SameKind(const std::string& a, const std::string& b) {
    FileKind kind_a = FileKind::kTemp;
    FileKind kind_b = FileKind::kTemp;
    uint64_t number;
    return ParseFileName(a, &kind_a, &number) &&
           ParseFileName(b, &kind_b, &number) && kind_a == kind_b;
  }

  // Damage of what was durable, in a log whose end was torn off as well.
  void TornTails() {
    if (golden_.logs.empty()) return;
    const GoldenLog& live = golden_.logs.back();
    const uint64_t end = live.bytes();
    if (live.synced == end) return;
    for (const DamageStep& tear : Tears(live)) {
      for (const GoldenLog& log : golden_.logs) {
        const std::string& content = golden_.files.at(log.name);
        for (const uint64_t at : Places(log.name, content)) {
          if (at >= log.synced) break;
          body_({{tear,
                  {.kind = Kind::kFlip,
                   .file = log.name,
                   .offset = at,
                   .bytes = at % 8}}});
        }
        for (uint64_t at = 0; at < log.synced; at += kSectorBytes) {
          body_({{tear,
                  {.kind = Kind::kFill,
                   .file = log.name,
                   .offset = at,
                   .bytes = std::min(kSectorBytes, log.synced - at),
                   .source = "00"}}});
        }
      }
    }
  }

  static std::vector<DamageStep> Tears(const GoldenLog& live) {
    std::vector<DamageStep> tears;
    for (const GoldenFrame& frame : live.frames) {
      if (frame.begin < live.synced) continue;
      const uint64_t middle = (frame.begin + frame.end) / 2;
      const uint64_t rest = live.bytes() - middle;
      tears.push_back(
          {.kind = Kind::kCut, .file = live.name, .offset = middle});
      tears.push_back({.kind = Kind::kFill,
                       .file = live.name,
                       .offset = middle,
                       .bytes = rest,
                       .source = "00"});
      tears.push_back({.kind = Kind::kNoise,
                       .file = live.name,
                       .offset = frame.begin,
                       .bytes = middle - frame.begin});
    }
    return tears;
  }

  const Golden& golden_;
  const DamageTier& tier_;
  Goldens& goldens_;
  const absl::FunctionRef<void(const Damage&)> body_;
};

}  // namespace

std::string_view DamageKindName(DamageStep::Kind kind) {
  return kKindNames[static_cast<size_t>(kind)];
}

std::string DamageStep::Text() const {
  const std::string head = absl::StrCat(DamageKindName(kind), ":", file);
  switch (kind) {
    case Kind::kFlip:
      return absl::StrCat(head, ":", offset, ".", bytes);
    case Kind::kFill:
      return absl::StrCat(head, ":", offset, "+", bytes, ":", source);
    case Kind::kNoise:
      return absl::StrCat(head, ":", offset, "+", bytes);
    case Kind::kCopy:
      return absl::StrCat(head, ":", offset, "+", bytes, ":", source, ":",
                          other);
    case Kind::kSwap:
      return absl::StrCat(head, ":", offset, "+", bytes, ":", other);
    case Kind::kCut:
      return absl::StrCat(head, ":", offset);
    case Kind::kGrow:
      return absl::StrCat(head, ":", bytes, ":", source);
    case Kind::kReplace:
    case Kind::kExchange:
      return absl::StrCat(head, ":", source);
    case Kind::kRemove:
      return head;
  }
  HF_CHECK(false);
  return "";
}

absl::StatusOr<DamageStep> DamageStep::Parse(std::string_view text) {
  const std::vector<std::string_view> words = absl::StrSplit(text, ':');
  DamageStep step;
  const auto name = std::find(kKindNames.begin(), kKindNames.end(), words[0]);
  if (name == kKindNames.end() || words.size() < 2) return Malformed(text);
  step.kind = static_cast<Kind>(name - kKindNames.begin());
  step.file = std::string(words[1]);
  const auto word = [&](size_t i) {
    return i < words.size() ? words[i] : std::string_view();
  };
  const auto range = [&] {
    return ParseNumbers(word(2), '+', &step.offset, &step.bytes);
  };
  bool good = true;
  size_t count = 3;
  switch (step.kind) {
    case Kind::kFlip:
      good = ParseNumbers(word(2), '.', &step.offset, &step.bytes);
      break;
    case Kind::kFill:
      step.source = std::string(word(3));
      good = range() && step.source.size() == 2;
      count = 4;
      break;
    case Kind::kNoise:
      good = range();
      break;
    case Kind::kCopy:
      step.source = std::string(word(3));
      good = range() && absl::SimpleAtoi(word(4), &step.other);
      count = 5;
      break;
    case Kind::kSwap:
      good = range() && absl::SimpleAtoi(word(3), &step.other);
      count = 4;
      break;
    case Kind::kCut:
      good = absl::SimpleAtoi(word(2), &step.offset);
      break;
    case Kind::kGrow:
      good = absl::SimpleAtoi(word(2), &step.bytes);
      step.source = std::string(word(3));
      count = 4;
      break;
    case Kind::kReplace:
    case Kind::kExchange:
      step.source = std::string(word(2));
      break;
    case Kind::kRemove:
      count = 2;
      break;
  }
  if (!good || words.size() != count) return Malformed(text);
  return step;
}

std::string Damage::Text() const {
  return absl::StrJoin(steps, " + ", [](std::string* out, const DamageStep& s) {
    absl::StrAppend(out, s.Text());
  });
}

absl::StatusOr<Damage> Damage::Parse(std::string_view text) {
  Damage damage;
  for (const std::string_view part : absl::StrSplit(text, " + ")) {
    HF_ASSIGN_OR_RETURN(DamageStep step,
                        DamageStep::Parse(absl::StripAsciiWhitespace(part)));
    damage.steps.push_back(std::move(step));
  }
  return damage;
}

absl::StatusOr<ChangedFiles> Apply(const Golden& golden, const Damage& damage,
                                   Goldens* goldens) {
  Patient patient(golden, goldens);
  for (const DamageStep& step : damage.steps) {
    HF_RETURN_IF_ERROR(patient.Do(step));
  }
  return std::move(patient).Changed();
}

void ForEachDamage(const Golden& golden, const DamageTier& tier,
                   Goldens* goldens,
                   absl::FunctionRef<void(const Damage&)> body) {
  Enumeration(golden, tier, goldens, body).Run();
}

}  // namespace holdfast
