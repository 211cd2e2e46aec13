#include "chaos/db/generate.h"

#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"

namespace holdfast {
namespace {

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  Workload Run() {
    Add("open", OpenWords(true));
    const uint64_t steps = 6 + random_.Uniform(14);
    for (uint64_t i = 0; i < steps; ++i) AddStep();
    if (random_.OneIn(2)) Add("read");
    if (random_.OneIn(3)) Add("close");
    return std::move(workload_);
  }

 private:
  void Add(std::string verb, std::vector<std::string> words = {}) {
    workload_.steps.push_back(
        {WorkloadStep::Expect::kSuccess, std::move(verb), std::move(words)});
  }

  std::string Key() {
    const std::string key(1, static_cast<char>('a' + random_.Uniform(5)));
    return random_.OneIn(20) ? absl::StrCat(key, "^900") : key;
  }

  std::string Value() {
    // Around the edges of sectors, blocks of 256 and 512 bytes and more, with
    // what a record has besides its value.
    constexpr uint64_t kEdges[] = {0, 200, 256, 395, 467, 512, 980, 3900};
    if (random_.OneIn(2)) return absl::StrCat(random_.Uniform(100));
    const char kind = random_.OneIn(3) ? '~' : '*';
    const uint64_t edge = kEdges[random_.Uniform(std::size(kEdges))];
    return absl::StrCat(std::string(1, kind), edge + random_.Uniform(4));
  }

  void AddChoice(std::vector<std::string>* words) {
    if (random_.OneIn(3)) {
      words->push_back("sync");
    } else if (random_.OneIn(12)) {
      words->push_back("nolog");
    }
  }

  std::vector<std::string> OpenWords(bool create) {
    std::vector<std::string> words;
    if (create) words.push_back("create");
    for (const OptionRange& range : OptionsWorthTrying()) {
      if (!random_.OneIn(4)) continue;
      words.push_back(absl::StrCat(
          range.name, "=", range.values[random_.Uniform(range.values.size())]));
    }
    return words;
  }

  void AddWrite() {
    std::vector<std::string> words;
    const uint64_t kind = random_.Uniform(6);
    if (kind == 0) {
      words = {Key()};
      AddChoice(&words);
      Add("del", std::move(words));
    } else if (kind <= 2) {
      const uint64_t changes = 2 + random_.Uniform(3);
      for (uint64_t i = 0; i < changes; ++i) {
        words.push_back(absl::StrCat(
            Key(), "=", random_.OneIn(4) ? std::string("-") : Value()));
      }
      AddChoice(&words);
      Add("batch", std::move(words));
    } else {
      words = {Key(), Value()};
      AddChoice(&words);
      Add("put", std::move(words));
    }
  }

  void ForgetReader() { reader_.clear(); }

  void AddReader() {
    if (reader_.empty()) {
      reader_ = "r";
      Add(random_.OneIn(2) ? "snapshot" : "iterator", {reader_});
    } else if (random_.OneIn(2)) {
      Add("check", {reader_});
    } else {
      Add("release", {reader_});
      ForgetReader();
    }
  }

  void AddStep() {
    switch (random_.Uniform(24)) {
      case 0:
        ForgetReader();
        Add("kill");
        Add("open", OpenWords(false));
        break;
      case 1:
        ForgetReader();
        Add("close");
        Add("open", OpenWords(false));
        break;
      case 2:
        Add("syncwal");
        break;
      case 3:
        Add("compact");
        break;
      case 4:
        Add("idle");
        break;
      case 5:
        // Several to a memtable.
        Add("fill", {absl::StrCat(1 + random_.Uniform(3)),
                     absl::StrCat(20000 + random_.Uniform(3))});
        break;
      case 6:
      case 7:
        Add("work");
        break;
      case 8:
        Add("compact", {"b", "c"});
        break;
      case 9:
      case 10:
        AddReader();
        break;
      case 11:
      case 12:
      case 13:
        Add("flush");
        break;
      default:
        AddWrite();
        break;
    }
  }

  Random random_;
  Workload workload_;
  std::string reader_;
};

void AddWithoutRuns(const Workload& workload, std::vector<Workload>* smaller) {
  const size_t n = workload.steps.size();
  for (size_t run = n / 2; run > 0; run /= 2) {
    for (size_t begin = 0; begin + run <= n; begin += run) {
      Workload one = workload;
      const auto first = one.steps.begin() + static_cast<ptrdiff_t>(begin);
      one.steps.erase(first, first + static_cast<ptrdiff_t>(run));
      smaller->push_back(std::move(one));
    }
  }
}

// "*400" to "*200" and "*399", "x=*400" likewise; empty when it is no such
// word.
std::vector<std::string> ShorterWords(const std::string& word) {
  const size_t at = word.find_first_of("*~");
  uint64_t bytes;
  if (at == std::string::npos ||
      !absl::SimpleAtoi(word.substr(at + 1), &bytes) || bytes == 0) {
    return {};
  }
  const std::string head = word.substr(0, at + 1);
  std::vector<std::string> shorter = {absl::StrCat(head, bytes / 2)};
  if (bytes > 1) shorter.push_back(absl::StrCat(head, bytes - 1));
  return shorter;
}

void AddWithSmallerSteps(const Workload& workload,
                         std::vector<Workload>* smaller) {
  for (size_t i = 0; i < workload.steps.size(); ++i) {
    const std::vector<std::string>& words = workload.steps[i].words;
    for (size_t j = 0; j < words.size(); ++j) {
      Workload without = workload;
      without.steps[i].words.erase(without.steps[i].words.begin() +
                                   static_cast<ptrdiff_t>(j));
      // Some steps need their words.
      if (Workload::Parse(without.Text()).ok()) {
        smaller->push_back(std::move(without));
      }
      for (std::string& word : ShorterWords(words[j])) {
        Workload shorter = workload;
        shorter.steps[i].words[j] = std::move(word);
        smaller->push_back(std::move(shorter));
      }
    }
  }
}

}  // namespace

Workload GenerateWorkload(uint64_t seed) { return Generator(seed).Run(); }

std::vector<Workload> SmallerWorkloads(const Workload& workload) {
  std::vector<Workload> smaller;
  AddWithoutRuns(workload, &smaller);
  AddWithSmallerSteps(workload, &smaller);
  return smaller;
}

Workload ShrinkWorkload(Workload workload,
                        const std::function<bool(const Workload&)>& fails,
                        int tries) {
  bool smaller_found = true;
  while (smaller_found) {
    smaller_found = false;
    for (Workload& smaller : SmallerWorkloads(workload)) {
      if (tries-- <= 0) return workload;
      if (!fails(smaller)) continue;
      workload = std::move(smaller);
      smaller_found = true;
      break;
    }
  }
  return workload;
}

}  // namespace holdfast
