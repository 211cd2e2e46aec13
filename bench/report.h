// What people read of a run: a table, a line of JSON per measurement, and a
// page with charts that needs nothing else.

#ifndef HOLDFAST_BENCH_REPORT_H_
#define HOLDFAST_BENCH_REPORT_H_

#include <string>
#include <string_view>
#include <vector>

#include "bench/engine.h"
#include "bench/measure.h"
#include "bench/rounds.h"

namespace holdfast::bench {

// One line, without its end.
std::string JsonLine(const EngineKind& kind, std::string_view workload,
                     int round, const Settings& settings, const Sample& sample);

// The median of a quantity over rounds, and its extremes. REQUIRES: not empty.
struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
};
Spread SpreadOf(std::vector<double> values);

// Operations per second of Holdfast over those of the best of `peers`; 0 when
// none of them ran the workload.
double RatioToBest(const Results& results, const std::string& workload,
                   const std::vector<std::string>& peers);

// Medians and spread of every engine, and the ratios: of the rates, of the CPU
// per operation, of the bytes written; the longest operations.
std::string TextTable(const Results& results);

// `title` and `about` (paragraphs) are for the top.
std::string HtmlPage(const Results& results, std::string_view title,
                     const std::vector<std::string>& about);

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_REPORT_H_
