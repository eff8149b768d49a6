#include "tests/cli/transcript.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <ios>
#include <regex>
#include <sstream>

#include "common/fd.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

std::string normalised(const std::string& text) {
  static const std::regex id("\\b[0-9a-f]{16}\\b");
  return std::regex_replace(text, id, "0123456789abcdef");
}

}  // namespace

int become_cognitoctl(const std::vector<std::string>& arguments, uid_t uid) {
  (void)::setenv("TZ", "UTC", 1);
  (void)::setenv("LC_ALL", "C.UTF-8", 1);
  (void)::setenv("TERM", "xterm", 1);
  // Opened while root: the checkout may lie where that user may not go.
  const int program = ::open(PAM_COGNITO_TEST_CLI, O_RDONLY | O_CLOEXEC);
  if (uid != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(uid) != 0 || ::setuid(uid) != 0))
    return 126;
  std::vector<std::string> all{"cognitoctl"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);
  (void)::fexecve(program, argv.data(), environ);
  return 127;
}

Finished run_cognitoctl(const std::vector<std::string>& arguments, const std::string& input,
                        uid_t uid) {
  int in[2];
  int out[2];
  assert_int_equal(::pipe2(in, O_CLOEXEC), 0);
  assert_int_equal(::pipe2(out, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  assert_true(child >= 0);
  if (child == 0) {
    (void)::dup2(in[0], STDIN_FILENO);
    (void)::dup2(out[1], STDOUT_FILENO);
    (void)::dup2(out[1], STDERR_FILENO);
    ::_exit(become_cognitoctl(arguments, uid));
  }
  (void)::close(in[0]);
  (void)::close(out[1]);
  assert_int_equal(::write(in[1], input.data(), input.size()), input.size());
  (void)::close(in[1]);
  Finished finished;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(out[0], buffer, sizeof(buffer))) > 0;)
    finished.output.append(buffer, static_cast<std::size_t>(got));
  (void)::close(out[0]);
  int status = 0;
  assert_int_equal(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status)) finished.status = WEXITSTATUS(status);
  return finished;
}

std::string transcript_of(const std::vector<std::string>& arguments, const Finished& finished) {
  std::string text = "$ cognitoctl";
  for (const std::string& argument : arguments) text += " " + argument;
  // CLI11 ends a help text with one empty line or with none, by its version.
  std::string output = finished.output;
  while (output.ends_with("\n\n")) output.pop_back();
  return text + "\n" + output + "status " + std::to_string(finished.status) + "\n";
}

void assert_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(PAM_COGNITO_TEST_GOLDEN) + "/" + name + ".txt";
  const std::string actual = normalised(text);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
  if (std::getenv("PAM_COGNITO_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::trunc) << actual;
    return;
  }
  std::ostringstream golden;
  golden << std::ifstream(path).rdbuf();
  assert_text(actual, golden.str());
}

}  // namespace pamcognito::test
