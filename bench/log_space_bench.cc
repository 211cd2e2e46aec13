// What it costs to append a record to a file, and to make it durable, by what
// the file holds where the record goes. What docs/performance.md says of the
// log's space comes from here.
//
//   log_space_bench [DIRECTORY [SYNCS]]
//
// growing     nothing: each record makes the file longer
// fallocated  space without content
// zeros       zeros that were written ahead in steps, as the log does; the
//             record is written with pwrite
// mapped      the same, and the record is a copy into a mapping
// recycled    other content, all of it durable long ago

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr size_t kRecordBytes = 150;
constexpr size_t kStepBytes = size_t{256} << 10;
constexpr size_t kPieceBytes = size_t{64} << 10;
constexpr size_t kAppends = 100'000;
constexpr int kRounds = 5;
constexpr const char* kKinds[] = {"growing", "fallocated", "zeros", "mapped",
                                  "recycled"};

double Now(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e6 +
         static_cast<double>(now.tv_nsec) * 1e-3;
}

void Check(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(EXIT_FAILURE);
}

class Log {
 public:
  Log(const std::string& path, std::string_view kind, size_t bytes)
      : path_(path), kind_(kind), content_(kStepBytes) {
    ::unlink(path.c_str());
    fd_ = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
    Check(fd_ >= 0, path.c_str());
    if (kind != "recycled") return;
    std::fill(content_.begin(), content_.end(), 'x');
    for (size_t at = 0; at < bytes + kStepBytes; at += kStepBytes) Fill(at);
    Check(::fsync(fd_) == 0, "fsync");
  }
  ~Log() {
    Unmap();
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void Append(std::string_view record) {
    if (end_ + record.size() > prepared_) Prepare();
    if (pages_ != nullptr && end_ >= window_ &&
        end_ + record.size() <= window_ + kStepBytes) {
      std::memcpy(pages_ + (end_ - window_), record.data(), record.size());
    } else {
      Check(::pwrite(fd_, record.data(), record.size(),
                     static_cast<off_t>(end_)) ==
                static_cast<ssize_t>(record.size()),
            "pwrite");
    }
    end_ += record.size();
  }

  void Sync() { Check(::fdatasync(fd_) == 0, "fdatasync"); }

 private:
  void Fill(size_t at) {
    for (size_t done = 0; done < kStepBytes; done += kPieceBytes) {
      Check(::pwrite(fd_, content_.data(), kPieceBytes,
                     static_cast<off_t>(at + done)) ==
                static_cast<ssize_t>(kPieceBytes),
            "pwrite");
    }
  }

  void Prepare() {
    const size_t at = prepared_;
    prepared_ += kStepBytes;
    if (kind_ == "fallocated") {
      Check(::fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at),
                        kStepBytes) == 0,
            "fallocate");
    }
    if (kind_ == "zeros" || kind_ == "mapped") Fill(at);
    if (kind_ != "mapped") return;
    Unmap();
    void* pages = ::mmap(nullptr, kStepBytes, PROT_READ | PROT_WRITE,
                         MAP_SHARED, fd_, static_cast<off_t>(at));
    Check(pages != MAP_FAILED, "mmap");
    Check(::mlock(pages, kStepBytes) == 0, "mlock");
    pages_ = static_cast<char*>(pages);
    window_ = at;
  }

  void Unmap() {
    if (pages_ != nullptr) ::munmap(pages_, kStepBytes);
    pages_ = nullptr;
  }

  const std::string path_;
  const std::string kind_;
  std::vector<char> content_;
  int fd_ = -1;
  size_t end_ = 0;
  size_t prepared_ = 0;
  char* pages_ = nullptr;
  size_t window_ = 0;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

constexpr char kHelp[] =
    R"(log_space_bench [DIRECTORY [SYNCS]]

Times appending records of 150 bytes to a file in DIRECTORY (default: the
current one), and SYNCS times (default: 200) an append with an fdatasync, by what
the file holds where the record goes: nothing (growing), space without content
(fallocated), zeros written ahead (zeros; mapped: stored through a mapping), or
other content (recycled). Medians of 5 rounds taking turns. The file is removed.
)";

// Answers --help and wrong words, and ends then.
size_t ReadArguments(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--help" || arg == "-h") {
      std::fputs(kHelp, stdout);
      std::exit(EXIT_SUCCESS);
    }
    if (arg.starts_with("-") || i > 2) {
      std::fprintf(stderr,
                   "log_space_bench: %s: not known\n"
                   "log_space_bench: --help says what is\n",
                   argv[i]);
      std::exit(2);
    }
  }
  if (argc <= 2) return 200;
  char* end = nullptr;
  const unsigned long syncs = std::strtoul(argv[2], &end, 10);
  if (*end == '\0' && syncs > 0) return syncs;
  std::fprintf(stderr, "log_space_bench: SYNCS wants a number, not \"%s\"\n",
               argv[2]);
  std::exit(2);
}

int Main(int argc, char** argv) {
  const size_t syncs = ReadArguments(argc, argv);
  const std::string path =
      std::string(argc > 1 ? argv[1] : ".") + "/log_space_bench.tmp";
  std::string record(kRecordBytes, '\0');
  for (size_t i = 0; i < record.size(); ++i) {
    record[i] = static_cast<char>(i * 37);
  }
  std::map<std::string, std::vector<double>> append;
  std::map<std::string, std::vector<double>> sync;
  for (int round = 0; round < kRounds; ++round) {
    for (const char* kind : kKinds) {
      {
        Log log(path, kind, kAppends * kRecordBytes);
        const double start = Now(CLOCK_PROCESS_CPUTIME_ID);
        for (size_t i = 0; i < kAppends; ++i) log.Append(record);
        append[kind].push_back((Now(CLOCK_PROCESS_CPUTIME_ID) - start) /
                               static_cast<double>(kAppends));
      }
      Log log(path, kind, syncs * kRecordBytes);
      for (size_t i = 0; i < syncs; ++i) {
        const double start = Now(CLOCK_MONOTONIC);
        log.Append(record);
        log.Sync();
        sync[kind].push_back(Now(CLOCK_MONOTONIC) - start);
      }
    }
  }
  std::printf("%-12s %22s %26s\n", "", "append, CPU us",
              "append and fdatasync, us");
  for (const char* kind : kKinds) {
    std::printf("%-12s %22.3f %26.1f\n", kind, Median(append[kind]),
                Median(sync[kind]));
  }
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) { return Main(argc, argv); }
