#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pamcognito::test {

// A QR code made of letters as a dark terminal shows it: rows of light (true) and dark modules.
// Lines before and after it are left out.
class TerminalPicture {
 public:
  explicit TerminalPicture(std::string_view text) {
    while (!text.empty()) {
      const auto end = text.find('\n');
      add_line(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
  }

  [[nodiscard]] std::size_t width() const { return rows_.empty() ? 0 : rows_.front().size(); }
  [[nodiscard]] std::size_t height() const { return rows_.size(); }
  [[nodiscard]] bool is_light(std::size_t row, std::size_t column) const {
    return rows_.at(row).at(column);
  }

  // A portable grey map (Netpbm), 6 pixels a module, on a dark background.
  [[nodiscard]] std::string grey_map() const {
    constexpr std::size_t kScale = 6;
    constexpr std::size_t kBorder = 2;
    const std::size_t across = (width() + 2 * kBorder) * kScale;
    const std::size_t down = (height() + 2 * kBorder) * kScale;
    std::string map = "P5\n" + std::to_string(across) + " " + std::to_string(down) + "\n255\n";
    for (std::size_t y = 0; y < down; ++y) {
      for (std::size_t x = 0; x < across; ++x) {
        const std::size_t row = y / kScale;
        const std::size_t column = x / kScale;
        const bool inside = row >= kBorder && row - kBorder < height() && column >= kBorder &&
                            column - kBorder < width();
        map += inside && is_light(row - kBorder, column - kBorder) ? '\xff' : '\0';
      }
    }
    return map;
  }

 private:
  void add_line(std::string_view line) {
    if (line.starts_with("##")) return add_letters(line);
    if (line.starts_with("█") || line.starts_with("▀")) add_half_blocks(line);
  }
  void add_letters(std::string_view line) {
    std::vector<bool> row;
    for (std::size_t i = 0; i < line.size(); i += 2) {
      const std::string_view module = line.substr(i, 2);
      if (module != "##" && module != "  ") throw std::runtime_error("not a module");
      row.push_back(module == "##");
    }
    rows_.push_back(row);
  }
  void add_half_blocks(std::string_view line) {
    std::vector<bool> upper;
    std::vector<bool> lower;
    while (!line.empty()) {
      const std::string_view block = line.starts_with(' ') ? line.substr(0, 1) : line.substr(0, 3);
      const bool full = block == "█";
      if (!full && block != "▀" && block != "▄" && block != " ") {
        throw std::runtime_error("not a half block");
      }
      upper.push_back(full || block == "▀");
      lower.push_back(full || block == "▄");
      line.remove_prefix(block.size());
    }
    rows_.push_back(upper);
    rows_.push_back(lower);
  }

  std::vector<std::vector<bool>> rows_;
};

}  // namespace pamcognito::test
