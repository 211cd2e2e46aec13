#include "bench/report.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "bench/workloads.h"

namespace holdfast::bench {
namespace {

// A quantity of a sample, as the page shows it.
struct Measure {
  std::string_view name;
  double (*of)(const Sample&);
};

double PerOperation(double quantity, const Sample& sample) {
  return sample.operations == 0
             ? 0
             : quantity / static_cast<double>(sample.operations);
}

const Measure kMeasures[] = {
    {"operations/s", [](const Sample& s) { return s.rate(); }},
    {"p50 µs", [](const Sample& s) { return s.p50_micros; }},
    {"p99 µs", [](const Sample& s) { return s.p99_micros; }},
    {"p99.9 µs", [](const Sample& s) { return s.p999_micros; }},
    {"max µs", [](const Sample& s) { return s.max_micros; }},
    {"CPU µs/op",
     [](const Sample& s) { return PerOperation(s.cpu_seconds * 1e6, s); }},
    {"written/op, B",
     [](const Sample& s) { return PerOperation(s.written_bytes, s); }},
    {"space, MiB", [](const Sample& s) { return s.space_bytes / (1 << 20); }},
    {"peak memory, MiB",
     [](const Sample& s) { return s.peak_memory / (1 << 20); }},
    {"stalls, s", [](const Sample& s) { return s.stall_seconds; }},
};

// Three digits, with k and M.
std::string Short(double value) {
  if (value >= 1e6) return absl::StrFormat("%.3gM", value / 1e6);
  if (value >= 10'000) return absl::StrFormat("%.3gk", value / 1e3);
  if (value >= 100) return absl::StrFormat("%.0f", value);
  return absl::StrFormat("%.3g", value);
}

// Not what can do only a part, nor an earlier Holdfast.
std::vector<std::string> Peers(const Results& results) {
  std::vector<std::string> names;
  for (size_t i = 1; i < results.kinds.size(); ++i) {
    const EngineKind& kind = results.kinds[i];
    if (kind.only.empty() && kind.name != kBaselineName) {
      names.push_back(kind.name);
    }
  }
  return names;
}

// Those of Holdfast's kind, which the targets are about; nothing is wanted of
// another engine.
std::vector<std::string> TreePeers(const Results& results) {
  if (results.kinds[0].name != kHoldfastName) return {};
  std::vector<std::string> names = Peers(results);
  std::erase_if(names, [](const std::string& name) {
    return name != "leveldb" && name != "rocksdb";
  });
  return names;
}

const WorkloadInfo* InfoOf(std::string_view workload) {
  for (const WorkloadInfo& info : AllWorkloads()) {
    if (info.name == workload) return &info;
  }
  return nullptr;
}

// A measure of every engine, with how much better the first is than each peer.
struct TableOf {
  std::string_view title;
  double (*of)(const Sample&);
  bool more_is_better;
};

double WrittenPerUserByte(const Sample& sample) {
  // Of reads, too, the user has bytes; they write next to nothing.
  return sample.user_bytes > 0 && sample.written_bytes > sample.user_bytes / 2
             ? sample.written_bytes / sample.user_bytes
             : 0;
}

const TableOf kTables[] = {
    {"operations per second", [](const Sample& s) { return s.rate(); }, true},
    {"CPU µs per operation",
     [](const Sample& s) { return PerOperation(s.cpu_seconds * 1e6, s); },
     false},
    {"written / user byte", WrittenPerUserByte, false},
    {"longest operation, ms",
     [](const Sample& s) { return s.max_micros / 1e3; }, false},
    {"share in stalls, %",
     [](const Sample& s) {
       return s.seconds > 0 ? 100 * s.stall_seconds / s.seconds : 0;
     },
     false},
};

Spread SpreadOfMeasure(const std::vector<Sample>& samples,
                       double (*of)(const Sample&)) {
  std::vector<double> values;
  values.reserve(samples.size());
  for (const Sample& sample : samples) values.push_back(of(sample));
  return SpreadOf(std::move(values));
}

// Columns: left-justified text counts characters, not bytes.
std::string Padded(std::string text, size_t width) {
  const auto characters =
      static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
      }));
  if (characters < width) text.append(width - characters, ' ');
  return text;
}

void AppendTable(const Results& results, const TableOf& table,
                 std::string* text) {
  std::string lines;
  for (const std::string& workload : results.workloads) {
    std::string line = absl::StrFormat("%-24s", workload);
    bool any = false;
    double ours = 0;
    std::map<std::string, double> medians;
    for (const EngineKind& kind : results.kinds) {
      const auto* const samples = results.Of(kind.name, workload);
      if (samples == nullptr) {
        absl::StrAppendFormat(&line, "%10s %-17s", "-", "");
        continue;
      }
      const Spread spread = SpreadOfMeasure(*samples, table.of);
      any |= spread.most > 0;
      medians[kind.name] = spread.median;
      if (kind.name == results.kinds[0].name) ours = spread.median;
      absl::StrAppendFormat(&line, "%10s %-17s", Short(spread.median),
                            absl::StrCat("(", Short(spread.least), "..",
                                         Short(spread.most), ")"));
    }
    for (const std::string& peer : Peers(results)) {
      const auto theirs = medians.find(peer);
      double ratio = 0;
      if (theirs != medians.end() && ours > 0 && theirs->second > 0) {
        ratio = table.more_is_better ? ours / theirs->second
                                     : theirs->second / ours;
      }
      absl::StrAppendFormat(&line, "%10s",
                            ratio == 0 ? "-" : absl::StrFormat("%.2f", ratio));
    }
    const WorkloadInfo* const info = InfoOf(workload);
    if (table.more_is_better && info != nullptr && info->target > 0) {
      const double best = RatioToBest(results, workload, TreePeers(results));
      if (best > 0) {
        absl::StrAppendFormat(&line, "%9.4g %s", info->target,
                              best >= info->target ? "reached" : "missed");
      }
    }
    if (any) lines += line + "\n";
  }
  if (lines.empty()) return;
  if (!text->empty()) *text += '\n';
  *text += Padded(std::string(table.title), 24);
  for (const EngineKind& kind : results.kinds) {
    absl::StrAppendFormat(text, "%10s %-17s", kind.name, "");
  }
  for (const std::string& peer : Peers(results)) {
    absl::StrAppendFormat(
        text, "%10s",
        table.more_is_better ? "/" + peer : absl::StrCat(peer, "/"));
  }
  if (table.more_is_better && !TreePeers(results).empty()) *text += "   wanted";
  *text += "\n" + lines;
}

std::string Escape(std::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

// A bar for each engine, as long as its rate is to the best one's.
std::string Bars(const Results& results, const std::string& workload) {
  double best = 0;
  std::vector<std::pair<std::string, Spread>> rates;
  for (const EngineKind& kind : results.kinds) {
    const std::vector<Sample>* const samples = results.Of(kind.name, workload);
    if (samples == nullptr) continue;
    rates.emplace_back(kind.name, SpreadOfMeasure(*samples, kMeasures[0].of));
    best = std::max(best, rates.back().second.most);
  }
  constexpr int kLeft = 80, kWidth = 420, kRow = 22;
  std::string svg = absl::StrFormat(
      "<svg role=\"img\" aria-label=\"operations per second\" "
      "viewBox=\"0 0 %d %d\">",
      kLeft + kWidth + 90, kRow * static_cast<int>(rates.size()));
  int y = 0;
  for (const auto& [name, spread] : rates) {
    const auto x = [&](double rate) {
      return kLeft + (best > 0 ? rate / best : 0) * kWidth;
    };
    absl::StrAppendFormat(
        &svg,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>"
        "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"14\"/>"
        "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>"
        "<text x=\"%.1f\" y=\"%d\">%s</text>",
        kLeft - 6, y + 15, Escape(name),
        name == results.kinds[0].name ? "ours" : "peer", kLeft, y + 4,
        std::max(1.0, x(spread.median) - kLeft), x(spread.least),
        x(spread.most), y + 11, y + 11, x(spread.most) + 6, y + 15,
        Short(spread.median));
    y += kRow;
  }
  return svg + "</svg>";
}

std::string DetailTable(const Results& results, const std::string& workload) {
  std::string html = "<table><tr><th></th>";
  for (const Measure& measure : kMeasures) {
    absl::StrAppend(&html, "<th>", measure.name, "</th>");
  }
  html += "</tr>";
  for (const EngineKind& kind : results.kinds) {
    const std::vector<Sample>* const samples = results.Of(kind.name, workload);
    if (samples == nullptr) continue;
    absl::StrAppend(&html, "<tr><th>", Escape(kind.name), "</th>");
    for (const Measure& measure : kMeasures) {
      const Spread spread = SpreadOfMeasure(*samples, measure.of);
      absl::StrAppend(&html, "<td title=\"", Short(spread.least), " to ",
                      Short(spread.most), "\">",
                      spread.median == 0 ? "–" : Short(spread.median), "</td>");
    }
    html += "</tr>";
  }
  return html + "</table>";
}

// Every workload in a line: how often the rate, and the CPU of an operation, of
// each peer fits into ours.
std::string Summary(const Results& results) {
  const std::vector<std::string> peers = Peers(results);
  if (peers.empty()) return "";
  std::string html = "<table><tr><th>× the peer</th>";
  for (const std::string_view what : {"rate", "CPU per operation"}) {
    for (const std::string& peer : peers) {
      absl::StrAppend(&html, "<th>", what, ", ", Escape(peer), "</th>");
    }
  }
  html += "<th>wanted</th></tr>\n";
  for (const std::string& workload : results.workloads) {
    const auto* const ours = results.Of(results.kinds[0].name, workload);
    if (ours == nullptr) continue;
    absl::StrAppend(&html, "<tr><th>", Escape(workload), "</th>");
    for (const TableOf* table : {&kTables[0], &kTables[1]}) {
      for (const std::string& peer : peers) {
        const auto* const theirs = results.Of(peer, workload);
        const double a = SpreadOfMeasure(*ours, table->of).median;
        const double b =
            theirs == nullptr ? 0 : SpreadOfMeasure(*theirs, table->of).median;
        absl::StrAppend(&html, "<td>",
                        a > 0 && b > 0 ? absl::StrFormat("%.2f", a / b) : "–",
                        "</td>");
      }
    }
    const WorkloadInfo* const info = InfoOf(workload);
    const double best = RatioToBest(results, workload, TreePeers(results));
    if (info == nullptr || info->target == 0 || best == 0) {
      html += "<td></td></tr>\n";
    } else {
      absl::StrAppendFormat(&html, "<td class=\"%s\">%.4g: %s</td></tr>\n",
                            best >= info->target ? "good" : "bad", info->target,
                            best >= info->target ? "reached" : "missed");
    }
  }
  return html +
         "</table>\n<p>Wanted is the rate, as a multiple of the better of "
         "LevelDB and RocksDB.</p>\n";
}

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1c2430; --soft: #66707e;
  --ours: #0b6e99; --peer: #b9c2cc; --paper: #fff; --line: #dde3ea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaef; --soft: #9aa5b1;
  --ours: #4db6e2; --peer: #4a545f; --paper: #14181d; --line: #2c333b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
section { border-top: 1px solid var(--line); padding: .6rem 0 1rem; }
h2 { font-size: 1.05rem; margin: .4rem 0; }
h2 small { color: var(--soft); font-weight: normal; }
svg { width: 100%; max-width: 46rem; font-size: 12px; }
svg text { fill: var(--ink); } svg .ours { fill: var(--ours); }
svg .peer { fill: var(--peer); } svg line { stroke: var(--soft); }
table { border-collapse: collapse; font-size: 13px; display: block;
  overflow-x: auto; }
td, th { padding: .1rem .6rem; text-align: right; white-space: nowrap; }
tr > th:first-child { text-align: left; }
tr + tr { border-top: 1px solid var(--line); }
.good { color: var(--ours); } .bad { font-weight: bold; }
)";

}  // namespace

std::string JsonLine(const EngineKind& kind, std::string_view workload,
                     int round, const Settings& settings,
                     const Sample& sample) {
  return absl::StrFormat(
      "{\"engine\":\"%s\",\"version\":\"%s\",\"workload\":\"%s\","
      "\"round\":%d,\"keys\":%d,\"key_bytes\":%d,\"value_bytes\":%d,"
      "\"operations\":%d,\"seconds\":%.6f,\"ops_per_second\":%.1f,"
      "\"cpu_micros_per_op\":%.4f,\"p50_micros\":%.3f,\"p99_micros\":%.3f,"
      "\"p999_micros\":%.3f,\"max_micros\":%.1f,\"stall_seconds\":%.4f,"
      "\"user_bytes\":%.0f,\"written_bytes\":%.0f,\"space_bytes\":%.0f,"
      "\"peak_memory_bytes\":%.0f}",
      kind.name, kind.version, workload, round, settings.keys,
      settings.data.key_bytes, settings.data.value_bytes, sample.operations,
      sample.seconds, sample.rate(),
      PerOperation(sample.cpu_seconds * 1e6, sample), sample.p50_micros,
      sample.p99_micros, sample.p999_micros, sample.max_micros,
      sample.stall_seconds, sample.user_bytes, sample.written_bytes,
      sample.space_bytes, sample.peak_memory);
}

Spread SpreadOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return {.median = values.size() % 2 == 1
                        ? values[half]
                        : (values[half - 1] + values[half]) / 2,
          .least = values.front(),
          .most = values.back()};
}

double RatioToBest(const Results& results, const std::string& workload,
                   const std::vector<std::string>& peers) {
  const std::vector<Sample>* const ours =
      results.Of(results.kinds[0].name, workload);
  double best = 0;
  for (const std::string& peer : peers) {
    const std::vector<Sample>* const samples = results.Of(peer, workload);
    if (samples == nullptr) continue;
    best = std::max(best, SpreadOfMeasure(*samples, kMeasures[0].of).median);
  }
  if (ours == nullptr || best == 0) return 0;
  return SpreadOfMeasure(*ours, kMeasures[0].of).median / best;
}

std::string TextTable(const Results& results) {
  std::string text;
  for (const TableOf& table : kTables) AppendTable(results, table, &text);
  return text;
}

std::string HtmlPage(const Results& results, std::string_view title,
                     const std::vector<std::string>& about) {
  std::string html = absl::StrCat(
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
      Escape(title), "</title>\n<style>", kStyle, "</style>\n<h1>",
      Escape(title), "</h1>\n");
  for (const std::string& paragraph : about) {
    absl::StrAppend(&html, "<p>", Escape(paragraph), "</p>\n");
  }
  html +=
      "<p>Bars and tables show the median of the rounds; the thin line of "
      "a bar, and the tip of a number, its extremes.</p>\n<ul>";
  for (const EngineKind& kind : results.kinds) {
    absl::StrAppend(&html, "<li>", Escape(kind.name), ": ",
                    Escape(kind.version), "</li>");
  }
  html += "</ul>\n" + Summary(results);
  for (const std::string& workload : results.workloads) {
    const WorkloadInfo* const info = InfoOf(workload);
    absl::StrAppend(&html, "<section><h2>", Escape(workload), " <small>",
                    info == nullptr ? "" : Escape(info->what));
    const double ratio = RatioToBest(results, workload, Peers(results));
    if (ratio > 0) {
      absl::StrAppendFormat(&html, " · %.2f × the best peer", ratio);
    }
    absl::StrAppend(&html, "</small></h2>\n", Bars(results, workload), "\n",
                    DetailTable(results, workload), "</section>\n");
  }
  return html + "</html>\n";
}

}  // namespace holdfast::bench
