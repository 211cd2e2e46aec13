// The places in the code under test from which the disk is changed: crash
// points are counted and shared out by them.
//
// A site is the operation, the kind of file and the return addresses between
// the file system and the start of the program's function. Ids are given in the
// order of first appearance, so they are the same in each run.

#ifndef HOLDFAST_CHAOS_EXPLORER_CALL_SITES_H_
#define HOLDFAST_CHAOS_EXPLORER_CALL_SITES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "holdfast/testing/file_call.h"

namespace holdfast {

using SiteId = uint32_t;

// Thread-compatible.
class CallSites {
 public:
  // How many frames are on the stack now: what Find leaves out below the
  // program, when it was called at the program's start.
  static int StackDepth();

  // The site of a call that is under way on this thread.
  SiteId Find(const FileCall& call, int stack_depth);
  // The site of the end of a life: "end of Run".
  SiteId FindEnd(std::string_view name);

  size_t size() const { return sites_.size(); }

  // "sync *.wal in holdfast::LogWriter::Sync()"; without the function when it
  // is unknown. Two sites may have one name.
  std::string Name(SiteId site) const;

 private:
  struct Site {
    std::string what;
    std::vector<void*> frames;
  };
  SiteId Add(uint64_t hash, std::string what, std::vector<void*> frames);

  std::vector<Site> sites_;
  absl::flat_hash_map<uint64_t, SiteId> by_hash_;
};

// A call without what differs between two of its kind: "rename *.tmp ->
// CURRENT". Runs of digits become "*".
std::string CallKind(const FileCall& call);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_EXPLORER_CALL_SITES_H_
