// Signature Version 4 against AWS's published examples: the ListUsers request of IAM in "Create a
// signed AWS API request", and the cases of AWS's signing test suite whose paths are normalized.
#include "tests/pool/sigv4.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/pool/cmocka.h"
#include "tests/pool/crypto.h"

using namespace pamcognito::pool;

namespace {

constexpr char kSecret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr char kTime[] = "20150830T123600Z";

void example_of_the_guide(void** /*state*/) {
  const std::string header =
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date, "
      "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
  const auto given = parse_authorization(header);
  if (!given) {
    fail_with(given.error());
    return;
  }
  assert_text(given->access_key_id, "AKIDEXAMPLE");
  assert_text(given->scope(), "20150830/us-east-1/iam/aws4_request");
  assert_int_equal(given->signed_headers.size(), 3);
  assert_true(given->signs("host") && !given->signs("x-amz-target"));

  HttpRequest request;
  request.method = "GET";
  request.path = "/";
  request.query = "Action=ListUsers&Version=2010-05-08";
  request.headers = {{"host", "iam.amazonaws.com"},
                     {"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                     {"x-amz-date", kTime}};
  const std::string canonical = canonical_request(request, given->signed_headers);
  assert_text(hex_encode(sha256(canonical)),
              "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
  const std::string key = signing_key(kSecret, given->date, given->region, given->service);
  assert_text(hex_encode(key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
  assert_text(signature_of(key, string_to_sign(kTime, given->scope(), canonical)),
              given->signature);
}

struct Case {
  const char* name;
  const char* method;
  const char* path;
  const char* query;
  std::vector<std::pair<std::string, std::string>> headers;
  const char* body;
  const char* signed_headers;
  const char* signature;
};

constexpr char kUnreserved[] = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::vector<Case> suite() {
  static const std::string kPath = std::string("/") + kUnreserved;
  static const std::string kQuery = std::string(kUnreserved) + "=" + kUnreserved;
  static constexpr char kPlain[] = "host;x-amz-date";
  static constexpr char kOneMore[] = "host;my-header1;x-amz-date";
  static constexpr char kWithToken[] = "host;x-amz-date;x-amz-security-token";
  static constexpr char kForm[] =
      "content-length;content-type;host;x-amz-content-sha256;x-amz-date";
  static constexpr char kVanilla[] =
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
  static constexpr char kPost[] =
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
  static constexpr char kBody[] = "Param1=value1";
  const std::pair<std::string, std::string> token = {
      "x-amz-security-token", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"};
  const std::pair<std::string, std::string> long_token = {
      "x-amz-security-token",
      "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMic"
      "RXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKs"
      "burEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0"
      "iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="};
  const std::pair<std::string, std::string> hash = {
      "x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"};
  return {
      {"get-vanilla", "GET", "/", "", {}, "", kPlain, kVanilla},
      {"get-header-key-duplicate",
       "GET",
       "/",
       "",
       {{"my-header1", "value2"}, {"my-header1", "value2"}, {"my-header1", "value1"}},
       "",
       kOneMore,
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {"get-header-value-order",
       "GET",
       "/",
       "",
       {{"my-header1", "value4"},
        {"my-header1", "value1"},
        {"my-header1", "value3"},
        {"my-header1", "value2"}},
       "",
       kOneMore,
       "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"get-header-value-trim",
       "GET",
       "/",
       "",
       {{"my-header1", " value1"}, {"my-header2", " \"a   b   c\""}},
       "",
       "host;my-header1;my-header2;x-amz-date",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"get-relative", "GET", "/example/..", "", {}, "", kPlain, kVanilla},
      {"get-relative-relative", "GET", "/example1/example2/../..", "", {}, "", kPlain, kVanilla},
      {"get-slash-dot-slash", "GET", "/./", "", {}, "", kPlain, kVanilla},
      {"get-slash", "GET", "//", "", {}, "", kPlain, kVanilla},
      {"get-slash-pointless-dot",
       "GET",
       "/./example",
       "",
       {},
       "",
       kPlain,
       "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
      {"get-slashes",
       "GET",
       "//example//",
       "",
       {},
       "",
       kPlain,
       "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
      {"get-space",
       "GET",
       "/example space/",
       "",
       {},
       "",
       kPlain,
       "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
      {"get-unreserved",
       "GET",
       kPath.c_str(),
       "",
       {},
       "",
       kPlain,
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-utf8",
       "GET",
       "/\u1234",
       "",
       {},
       "",
       kPlain,
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"get-vanilla-empty-query-key",
       "GET",
       "/",
       "Param1=value1",
       {},
       "",
       kPlain,
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-vanilla-query-order-encoded",
       "GET",
       "/",
       "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
       {},
       "",
       kPlain,
       "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
      {"get-vanilla-query-order-key-case",
       "GET",
       "/",
       "Param2=value2&Param1=value1",
       {},
       "",
       kPlain,
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-query-unreserved",
       "GET",
       "/",
       kQuery.c_str(),
       {},
       "",
       kPlain,
       "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
      {"get-vanilla-utf8-query",
       "GET",
       "/",
       "\u1234=bar",
       {},
       "",
       kPlain,
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"get-vanilla-with-session-token",
       "GET",
       "/",
       "",
       {token},
       "",
       kWithToken,
       "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
      {"post-vanilla", "POST", "/", "", {}, "", kPlain, kPost},
      {"post-header-key-sort",
       "POST",
       "/",
       "",
       {{"my-header1", "value1"}},
       "",
       kOneMore,
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {"post-header-value-case",
       "POST",
       "/",
       "",
       {{"my-header1", "VALUE1"}},
       "",
       kOneMore,
       "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
      {"post-sts-header-after", "POST", "/", "", {long_token}, "", kPlain, kPost},
      {"post-sts-header-before",
       "POST",
       "/",
       "",
       {long_token},
       "",
       kWithToken,
       "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
      {"post-vanilla-query",
       "POST",
       "/",
       "Param1=value1",
       {},
       "",
       kPlain,
       "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
      {"post-x-www-form-urlencoded-parameters",
       "POST",
       "/",
       "",
       {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
        {"content-length", "13"},
        hash},
       kBody,
       kForm,
       "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"},
      {"post-x-www-form-urlencoded",
       "POST",
       "/",
       "",
       {{"content-type", "application/x-www-form-urlencoded"}, {"content-length", "13"}, hash},
       kBody,
       kForm,
       "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"}};
}

void test_suite(void** /*state*/) {
  const std::string key = signing_key(kSecret, "20150830", "us-east-1", "service");
  for (const Case& entry : suite()) {
    HttpRequest request;
    request.method = entry.method;
    request.path = entry.path;
    request.query = entry.query;
    request.headers = {{"host", "example.amazonaws.com"}, {"x-amz-date", kTime}};
    request.headers.insert(request.headers.end(), entry.headers.begin(), entry.headers.end());
    request.body = entry.body;
    const auto given = parse_authorization(
        std::string("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                    "aws4_request, SignedHeaders=") +
        entry.signed_headers + ", Signature=" + entry.signature);
    if (!given) {
      fail_with(std::string(entry.name) + ": " + given.error());
      return;
    }
    const std::string made = signature_of(
        key,
        string_to_sign(kTime, given->scope(), canonical_request(request, given->signed_headers)));
    if (made != entry.signature) fail_with(std::string(entry.name) + ": " + made);
  }
}

void malformed_headers(void** /*state*/) {
  const std::string good =
      "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=a;b, Signature=0";
  assert_true(parse_authorization(good).has_value());
  for (const char* bad :
       {"", "Basic dXNlcjpwYXNz", "AWS4-HMAC-SHA1 Credential=A/20150830/r/s/aws4_request",
        "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=a;b",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, Signature=0",
        "AWS4-HMAC-SHA256 SignedHeaders=a;b, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/aws4_request, SignedHeaders=a;b, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r//aws4_request, SignedHeaders=a;b, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/2/r/s/t/u, SignedHeaders=a;b, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/2/r/s/t, SignedHeaders=b;a, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/2/r/s/t, SignedHeaders=a;a, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/2/r/s/t, SignedHeaders=A;b, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/2/r/s/t, SignedHeaders=a;b, Signature=0, Signature=1"}) {
    if (parse_authorization(bad).has_value()) fail_with(std::string("accepted: ") + bad);
  }
}

void times(void** /*state*/) {
  assert_int_equal(parse_amz_date(kTime).value_or(0), 1440938160);
  assert_text(amz_date(1440938160), kTime);
  for (const char* bad :
       {"", "20150830", "20150830T123600", "20150230T123600Z", "20150830T246000Z",
        "2015083xT123600Z", "20150830 123600Z", "20150830T123600ZZ", "-1150830T123600Z"}) {
    if (parse_amz_date(bad)) fail_with(std::string("accepted: ") + bad);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(example_of_the_guide), cmocka_unit_test(test_suite),
                              cmocka_unit_test(malformed_headers), cmocka_unit_test(times)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
