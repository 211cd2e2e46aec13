// Small databases made on purpose, each the same whenever it is made, with all
// that is needed to judge a damaged copy: what every prefix of its writes
// holds, which frames its logs are made of, and how its files looked before.
//
// What a log is made of is noted while it is written, call by call. No reader
// of the engine is asked, so that a reader that errs is not believed.

#ifndef HOLDFAST_CHAOS_DAMAGE_GOLDEN_H_
#define HOLDFAST_CHAOS_DAMAGE_GOLDEN_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "holdfast/options.h"
#include "holdfast/testing/file_call.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {

using GoldenContents = std::map<std::string, std::string>;

inline constexpr std::string_view kGoldenDir = "/db";

// A part of a file that means something by itself: a frame, a block, a footer.
struct FilePiece {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

struct GoldenFrame {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t record_begin = 0;  // Of the record that the frame is a part of.
  // How much of the log was synced when the frame was written: what it says.
  uint64_t synced = 0;
  // Writes to the database that are in logs or tables before this record.
  size_t writes_before = 0;
};

struct GoldenLog {
  std::string name;
  uint64_t number = 0;
  std::vector<GoldenFrame> frames;  // From offset 0; the first is the header.
  uint64_t synced = 0;              // By now.
  bool sealed = false;              // The next log goes on from it.
  // How much of it the header of the next log says to be durable.
  uint64_t required_by_next = 0;

  uint64_t bytes() const { return frames.empty() ? 0 : frames.back().end; }
};

struct Golden {
  std::string name;
  Options options;  // To open it with, but for env.
  SimDisk disk;
  bool closed = false;
  // File names without the directory; LOCK is left out.
  std::map<std::string, std::string> files;
  // Every content that a file had after a call that changed it, oldest first;
  // also of files that are gone.
  std::map<std::string, std::vector<std::string>> versions;
  // What the first n writes make, for n from 0. The last one may have been
  // under way: see logged_writes.
  std::vector<GoldenContents> states;
  size_t logged_writes = 0;   // Whose record is in a log, or in tables.
  size_t durable_writes = 0;  // That had been acknowledged as durable.
  // That are not in any state.
  std::vector<std::string> absent_keys;
  std::vector<GoldenLog> logs;  // Those in `files`, in order.

  // All keys of any state.
  std::vector<std::string> Keys() const;
  // Frames of logs and manifests, blocks and footers of tables. Empty for other
  // files.
  std::vector<FilePiece> PiecesOf(const std::string& file) const;
};

struct GoldenOptions {
  // Another database made in the same way, with other (older) values under the
  // same keys: the same names and sizes, other identities.
  bool twin = false;
  // Called before each call to the file system: where syncs are made to lie.
  // When it is set, what is pending on the disk stays so.
  std::function<void(SimFileSystem&, const FileCall&)> before;
  // Called after each call that changed something, with the database as it is
  // at that moment: as if the process died there.
  std::function<void(const FileCall&, const Golden&)> after;
};

// Names, in the order of growing size.
const std::vector<std::string>& GoldenNames();

// Ends the process when a step of the making fails: that is our own bug.
Golden MakeGolden(std::string_view name, const GoldenOptions& options = {});

// Made when first asked for, and kept. Thread-compatible.
class Goldens {
 public:
  const Golden& Get(const std::string& name);
  const Golden& Twin(const std::string& name);

 private:
  std::map<std::string, std::unique_ptr<Golden>> made_;
};

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DAMAGE_GOLDEN_H_
