#include "daemon/prompts/mo_file.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "tests/cmocka_cpp.h"
#include "tests/unit/prompts/mo_builder.h"

namespace {

using namespace pamcognito::prompts;
using pamcognito::test::kMoHeader;
using pamcognito::test::MoBuilder;
using pamcognito::test::Pairs;

const Pairs kPairs = {{"", kMoHeader}, {"Code: ", "Kode: "}, {"yes", "ja"}};

void assert_error(const std::string& bytes, const char* error) {
  const auto parsed = parse_mo(bytes);
  if (parsed) fail_msg("accepted, wanted: %s", error);
  assert_text(parsed.error(), error);
}

// The number at `offset` of a good file is replaced.
std::string with_number(std::size_t offset, std::uint32_t value) {
  const MoBuilder builder(kPairs);
  return builder.bytes().replace(offset, 4, builder.number(value));
}

void both_byte_orders_are_read(void**) {
  for (const std::endian order : {std::endian::little, std::endian::big}) {
    const auto parsed = parse_mo(MoBuilder(kPairs, order).bytes());
    assert_true(parsed.has_value());
    assert_int_equal(parsed->size(), 2);
    assert_text(parsed->at("Code: "), "Kode: ");
    assert_text(parsed->at("yes"), "ja");
  }
}

void the_order_of_the_strings_does_not_matter(void**) {
  const auto parsed = parse_mo(MoBuilder({{"z", "Z"}, {"", kMoHeader}, {"a", "A"}}).bytes());
  assert_true(parsed.has_value());
  assert_text(parsed->at("a"), "A");
  assert_text(parsed->at("z"), "Z");
}

void what_is_no_catalogue_is_refused(void**) {
  assert_error("", "is not a catalog of texts");
  assert_error("msgid \"\"\nmsgstr \"\"\n\"Language: de\"\n", "is not a catalog of texts");
  assert_error(with_number(4, 0x20000), "is not a catalog of texts");
  assert_true(parse_mo(with_number(4, 0x10001)).has_value());
  std::string large = MoBuilder(kPairs).bytes();
  large.resize(kMaxMoFile, 'x');
  assert_true(parse_mo(large).has_value());
  assert_error(large + "x", "is not a catalog of texts");
}

void tables_and_strings_stay_inside_the_file(void**) {
  const std::string good = MoBuilder(kPairs).bytes();
  const auto size = static_cast<std::uint32_t>(good.size());
  for (const std::uint32_t count : {1000U, 0x20000000U, 0xffffffffU}) {
    assert_error(with_number(8, count), "is damaged");
  }
  for (const std::size_t table : {12UL, 16UL}) {
    for (const std::uint32_t offset : {0U, 27U, size - 23U, size, 0xfffffff0U}) {
      assert_error(with_number(table, offset), "is damaged");
    }
  }
  for (const std::uint32_t length : {size, 0xffffffffU}) {
    assert_error(with_number(28 + 8, length), "is damaged");
  }
  for (const std::uint32_t offset : {size, 0xffffffffU}) {
    assert_error(with_number(28 + 12, offset), "is damaged");
  }
  // The string's length is one too short or too long: its NUL is not where it must be.
  assert_error(with_number(28 + 8, 5), "is damaged");
  assert_error(with_number(28 + 8, 7), "is damaged");
}

void texts_are_printable_and_without_plural_forms(void**) {
  assert_error(MoBuilder(Pairs{{"", kMoHeader}, {"a", "b\x1b"}}).bytes(), "is damaged");
  assert_error(MoBuilder(Pairs{{"", kMoHeader}, {"a", "b\xff"}}).bytes(), "is damaged");
  assert_error(MoBuilder(Pairs{{"", kMoHeader}, {std::string("a\0b", 3), "c"}}).bytes(),
               "is damaged");
  assert_error(MoBuilder(Pairs{{"", kMoHeader}, {"a", "1"}, {"a", "2"}}).bytes(), "is damaged");
}

void only_utf8_is_read(void**) {
  assert_error(MoBuilder(Pairs{std::pair{"a", "b"}}).bytes(), "is not in UTF-8");
  assert_error(
      MoBuilder(Pairs{std::pair{"", "Content-Type: text/plain; charset=ISO-8859-1\n"}}).bytes(),
      "is not in UTF-8");
  assert_error(MoBuilder(Pairs{}).bytes(), "is not in UTF-8");
}

void strings_that_overlap_are_refused(void**) {
  // Every row of the translations is the file's largest string: a small file, much memory.
  Pairs pairs = {{"", kMoHeader + std::string(4000, 'x')}};
  for (int i = 0; i < 100; ++i) pairs.emplace_back("name" + std::to_string(i), "");
  const MoBuilder builder(pairs);
  std::string bytes = builder.bytes();
  const std::size_t translations = 28 + 8 * pairs.size();
  for (std::size_t i = 1; i < pairs.size(); ++i) {
    bytes.replace(translations + 8 * i, 8, bytes, translations, 8);
  }
  assert_error(bytes, "is damaged");
}

void every_cut_is_an_error(void**) {
  for (const std::endian order : {std::endian::little, std::endian::big}) {
    const std::string good = MoBuilder(kPairs, order).bytes();
    for (std::size_t size = 0; size < good.size(); ++size) {
      // A block of its own, so that the sanitizer sees a byte read behind the end.
      const std::string cut(good, 0, size);
      if (parse_mo(cut)) fail_msg("accepted %zu of %zu bytes", size, good.size());
    }
  }
}

// No flipped bit may crash; what is still accepted must still be whole texts.
void every_flipped_bit_is_survived(void**) {
  const std::string good = MoBuilder(kPairs).bytes();
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string flipped = good;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const auto parsed = parse_mo(flipped);
    if (!parsed) {
      ++refused;
      continue;
    }
    for (const auto& [original, translation] : *parsed) {
      assert_true(original.size() + translation.size() < good.size());
    }
  }
  assert_true(refused > 200);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(both_byte_orders_are_read),
      cmocka_unit_test(the_order_of_the_strings_does_not_matter),
      cmocka_unit_test(what_is_no_catalogue_is_refused),
      cmocka_unit_test(tables_and_strings_stay_inside_the_file),
      cmocka_unit_test(texts_are_printable_and_without_plural_forms),
      cmocka_unit_test(only_utf8_is_read),
      cmocka_unit_test(strings_that_overlap_are_refused),
      cmocka_unit_test(every_cut_is_an_error),
      cmocka_unit_test(every_flipped_bit_is_survived),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
