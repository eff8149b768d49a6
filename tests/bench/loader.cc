// bench_loader count FILE       prints how many shared objects dlopen(FILE) brings into a process
//                               that has libpam
// bench_loader time FILE FILE N prints, for N pairs, how many microseconds each dlopen takes
//
// Each dlopen happens in a child of its own, with the page cache warm, bound at once as libpam
// does.
#include <dlfcn.h>
#include <link.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

int count_objects() {
  int count = 0;
  (void)::dl_iterate_phdr(
      [](dl_phdr_info*, std::size_t, void* data) { return ++*static_cast<int*>(data), 0; }, &count);
  return count;
}

double now_us() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

struct Loaded {
  double microseconds;
  int objects;
};

Loaded load_here(const char* file) {
  const int objects_before = count_objects();
  const double before = now_us();
  const void* library = ::dlopen(file, RTLD_NOW);
  const double after = now_us();
  if (library == nullptr) {
    std::fprintf(stderr, "bench_loader: %s\n", ::dlerror());
    ::_exit(1);
  }
  return {after - before, count_objects() - objects_before};
}

Loaded load_in_child(const char* file) {
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    const Loaded loaded = load_here(file);
    ::_exit(::write(ends[1], &loaded, sizeof(loaded)) == sizeof(loaded) ? 0 : 1);
  }
  (void)::close(ends[1]);
  Loaded loaded{};
  if (::read(ends[0], &loaded, sizeof(loaded)) != sizeof(loaded)) std::exit(1);
  (void)::close(ends[0]);
  (void)::waitpid(child, nullptr, 0);
  return loaded;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "count") == 0) {
    std::printf("%d\n", load_in_child(argv[2]).objects);
    return 0;
  }
  if (argc == 5 && std::strcmp(argv[1], "time") == 0) {
    (void)load_in_child(argv[2]);
    (void)load_in_child(argv[3]);
    for (int i = std::atoi(argv[4]); i > 0; --i) {
      const double first = load_in_child(argv[2]).microseconds;
      const double second = load_in_child(argv[3]).microseconds;
      std::printf("%.2f %.2f\n", first, second);
    }
    return 0;
  }
  return 2;
}
