// Directories of the operating system, as a test looks at them from outside.

#ifndef HOLDFAST_TESTS_UTIL_DIRECTORY_H_
#define HOLDFAST_TESTS_UTIL_DIRECTORY_H_

#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// Copies the files of directory `from` into the new directory `to`. Taken while
// a database is open and idle, the copy holds what the death of the process at
// this moment would leave: all that was written, synced or not. It can be
// opened beside the original, since the lock does not come along.
// All of these die on errors.
void CopyDirectory(const std::string& from, const std::string& to);

// Names in a directory, sorted.
std::vector<std::string> FileNames(const std::string& directory);

std::string ReadFileBytes(const std::string& path);
// Makes or replaces a file.
void WriteFileBytes(const std::string& path, std::string_view bytes);

// How many file descriptors this process has open.
size_t CountOpenFiles();

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_UTIL_DIRECTORY_H_
