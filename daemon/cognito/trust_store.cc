#include "daemon/cognito/trust_store.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <system_error>

#include "common/fd.h"

namespace pamcognito::cognito {
namespace {

constexpr off_t kMaxFile = 8L * 1024 * 1024;

struct Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};

std::string reason(int error) {
  return std::generic_category().message(error);
}

// A whole regular file of about `size` bytes; nullopt: errno says why.
std::optional<std::string> read_all(int fd, std::size_t size) {
  std::string text(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const auto part = ::read(fd, text.data() + filled, size - filled);
    if (part < 0) return std::nullopt;
    if (part == 0) break;
    filled += static_cast<std::size_t>(part);
  }
  text.resize(filled);
  return text;
}

}  // namespace

std::expected<TrustStore, std::string> load_trust_store(const std::string& ca_file) {
  const auto wrong = [&](const std::string& what) {
    return std::unexpected("ca_file " + ca_file + ": " + what);
  };
  const Fd file(::open(ca_file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return wrong(reason(errno));
  if (!S_ISREG(status.st_mode)) return wrong("not a regular file");
  if (status.st_size > kMaxFile) return wrong("larger than 8 MiB");

  const auto text = read_all(file.get(), static_cast<std::size_t>(status.st_size));
  if (!text) return wrong(reason(errno));

  const std::unique_ptr<BIO, Free> bio(
      BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  TrustStore store(X509_STORE_new());
  if (!bio || !store) return wrong("no memory");
  unsigned count = 0;
  while (true) {
    const std::unique_ptr<X509, Free> certificate(
        PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    if (X509_STORE_add_cert(store.get(), certificate.get()) != 1) return wrong("no memory");
    ++count;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) {
    return wrong("certificate " + std::to_string(count + 1) + " is not a readable PEM certificate");
  }
  if (count == 0) return wrong("holds no PEM certificate");
  // As libcurl and browsers do: a certificate of the file is trusted even if it is not self-signed.
  (void)X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  return store;
}

}  // namespace pamcognito::cognito
