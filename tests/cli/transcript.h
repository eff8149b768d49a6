#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace pamcognito::test {

struct Finished {
  int status = -1;     // -1: killed
  std::string output;  // standard output and standard error, as they came
};

// Runs the built cognitoctl with `input` as its standard input, as this user, in UTC and with a
// UTF-8 locale.
Finished run_cognitoctl(const std::vector<std::string>& arguments, const std::string& input = {},
                        uid_t uid = 0);

// Becomes the built cognitoctl: for a child that has its standard streams. Returns on a failure
// only.
int become_cognitoctl(const std::vector<std::string>& arguments, uid_t uid);

// The contents of a golden file: the command, its output and its exit status.
std::string transcript_of(const std::vector<std::string>& arguments, const Finished& finished);

// Fails the test unless `text` is the content of golden/NAME.txt. With the variable
// PAM_COGNITO_UPDATE_GOLDEN set, the file is written instead. A log id of 16 hexadecimal digits,
// which is random, becomes 0123456789abcdef in both.
void assert_golden(const std::string& name, const std::string& text);

}  // namespace pamcognito::test
