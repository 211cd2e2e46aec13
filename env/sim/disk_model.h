// The simulated disk as simply as it can be said: strings and maps, every
// version of every sector, every pending change of a name, and the set of all
// images that a crash may leave. For one directory; without garbage, stale
// bytes and torn sectors, which no model could foretell.
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_ENV_SIM_DISK_MODEL_H_
#define HOLDFAST_ENV_SIM_DISK_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "holdfast/testing/persistence.h"

namespace holdfast {

class DiskModel {
 public:
  using Image = std::map<std::string, std::string>;  // Path to content.
  using File = size_t;                               // Counted from 0.

  explicit DiskModel(const PersistenceProfile& profile) : profile_(profile) {}

  // REQUIRES, for all: the names are there, or not, as the call needs it.
  File Create(const std::string& name);
  void Remove(const std::string& name);
  void Rename(const std::string& from, const std::string& to);
  void Link(const std::string& from, const std::string& to);
  void SyncDirectory();
  void Write(File file, uint64_t offset, const std::string& data);
  void Truncate(File file, uint64_t size);
  void Sync(File file, SyncOutcome outcome);  // But kFailsLate.

  bool Has(const std::string& name) const { return now_.count(name) > 0; }
  File Named(const std::string& name) const { return now_.at(name); }
  Image Now() const;
  // How many combinations Crashes would go through.
  double Combinations() const;
  std::set<Image> Crashes() const;

 private:
  using Names = std::map<std::string, File>;

  struct Version {
    int when = 0;
    std::string bytes;  // Of the whole sector.
    bool cut = false;
  };
  struct Sector {
    std::string durable = std::string(kSectorBytes, '\0');
    std::vector<Version> versions;
    bool dirty = false;
  };
  struct Size {
    int when = 0;
    uint64_t size = 0;
  };
  struct Content {
    std::string now;
    std::map<uint64_t, Sector> sectors;
    uint64_t durable_size = 0;
    std::vector<Size> sizes;
    bool size_dirty = false;
  };
  struct Change {
    bool removes = false;
    bool sets = false;
    std::string from;
    std::string to;
    File file = 0;
  };

  void Touch(Content* content, uint64_t sector, bool cut);
  static std::string SectorOf(const std::string& bytes, uint64_t sector);
  std::set<Names> NamesAfterCrash() const;
  std::set<std::string> ContentsAfterCrash(const Content& content) const;
  // What a sector may hold when the size is the k-th; k = 0: the durable one.
  std::vector<std::string> SectorAfterCrash(const Content& content,
                                            uint64_t sector, size_t k) const;

  const PersistenceProfile profile_;
  int clock_ = 0;
  std::vector<Content> files_;
  Names now_;
  Names durable_;
  std::vector<Change> pending_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_SIM_DISK_MODEL_H_
