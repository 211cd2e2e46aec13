// "Did you mean": the known word that a mistyped one was meant to be.
//
// Thread safety: pure functions.

#ifndef HOLDFAST_KVD_SUGGEST_H_
#define HOLDFAST_KVD_SUGGEST_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::kvd {

// Letters to insert, remove, change or swap with the next one to make `b` of
// `a`.
size_t EditDistance(std::string_view a, std::string_view b);

// The nearest of `known`, or "" when none is near enough: at most one edit for
// each three letters of the longer word.
std::string Suggest(std::string_view word,
                    const std::vector<std::string>& known);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_SUGGEST_H_
