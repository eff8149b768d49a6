#include "daemon/prompts/mo_file.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "common/text.h"

namespace pamcognito::prompts {
namespace {

constexpr std::uint32_t kMagic = 0x950412de;
constexpr std::size_t kHeaderSize = 28;
constexpr std::size_t kRowSize = 8;  // length and offset of a string

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  // Finds out the byte order. False: this is no MO file, or one of another revision.
  bool read_header() {
    if (bytes_.size() < kHeaderSize || bytes_.size() > kMaxMoFile) return false;
    if (number_at(0) != kMagic) big_endian_ = true;
    // The upper half is the major revision. Only 0 and 1 exist, and they differ in what is not used
    // here: system dependent strings, which are in tables of their own.
    return number_at(0) == kMagic && number_at(4) >> 16U <= 1;
  }

  std::optional<Translations> read_strings() {
    const std::size_t count = number_at(8);
    const std::size_t originals = number_at(12);
    const std::size_t translations = number_at(16);
    if (!is_table(originals, count) || !is_table(translations, count)) return std::nullopt;
    Translations all;
    for (std::size_t i = 0; i < count; ++i) {
      const auto original = string_of(originals + i * kRowSize);
      const auto translation = string_of(translations + i * kRowSize);
      if (!original || !translation) return std::nullopt;
      if (!all.emplace(*original, *translation).second) return std::nullopt;
    }
    return all;
  }

 private:
  // `offset` + 4 is within the file.
  [[nodiscard]] std::uint32_t number_at(std::size_t offset) const {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < sizeof(number); ++i) {
      const std::size_t place = big_endian_ ? i : sizeof(number) - 1 - i;
      number = number << 8U | static_cast<std::uint8_t>(bytes_[offset + place]);
    }
    return number;
  }

  // No sum here can overflow: all numbers of the file have 32 bits.
  [[nodiscard]] bool is_table(std::size_t offset, std::size_t count) const {
    return offset >= kHeaderSize && offset + count * kRowSize <= bytes_.size();
  }

  [[nodiscard]] std::optional<std::string_view> string_of(std::size_t row) {
    const std::size_t length = number_at(row);
    const std::size_t offset = number_at(row + 4);
    if (offset + length >= bytes_.size() || bytes_[offset + length] != '\0') return std::nullopt;
    // Strings that overlap could make of a small file what no memory holds.
    total_ += length;
    if (total_ > bytes_.size()) return std::nullopt;
    const std::string_view text = bytes_.substr(offset, length);
    // An unprintable character is the NUL of a plural form, the mark of a context, or a sign of
    // another character set.
    if (printable(text, text.size()) != text) return std::nullopt;
    return text;
  }

  std::string_view bytes_;
  bool big_endian_ = false;
  std::size_t total_ = 0;
};

}  // namespace

std::expected<Translations, std::string> parse_mo(std::string_view bytes) {
  Reader reader(bytes);
  if (!reader.read_header()) return std::unexpected("is not a catalog of texts");
  auto translations = reader.read_strings();
  if (!translations) return std::unexpected("is damaged");
  // The translation of the empty text is the catalogue's own description.
  const auto description = translations->find("");
  if (description == translations->end() ||
      description->second.find("charset=UTF-8") == std::string::npos) {
    return std::unexpected("is not in UTF-8");
  }
  translations->erase(description);
  return std::move(*translations);
}

}  // namespace pamcognito::prompts
