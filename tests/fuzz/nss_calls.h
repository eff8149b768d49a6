#pragma once

// Included before each source of nss/ in the fuzz target: the reader then reads the case instead of
// files.

#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

int fuzz_open(const char* path, int flags);
int fuzz_fstatat(int directory, const char* path, struct stat* status, int flags);
int fuzz_fstat(int fd, struct stat* status);
ssize_t fuzz_pread(int fd, void* to, std::size_t size, off_t offset);
int fuzz_close(int fd);
extern "C" void* fuzz_realloc(void* old, std::size_t size);
namespace std {
using ::fuzz_realloc;
}
// A static program has version 0.
extern "C" struct r_debug fuzz_r_debug;

#define open fuzz_open
#define fstatat fuzz_fstatat
#define fstat fuzz_fstat
#define pread fuzz_pread
#define close fuzz_close
#define realloc fuzz_realloc
#define _r_debug fuzz_r_debug
