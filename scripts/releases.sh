# shellcheck shell=bash
# Reads scripts/releases. Sourced; it needs die() of scripts/packages.sh.

releases_table=$(dirname "${BASH_SOURCE[0]}")/releases

# The releases of the table, one a line, the oldest first.
known_releases() {
  awk '$1 == "name" {for (i = 2; i <= NF; ++i) print $i}' "$releases_table"
}

# This machine's release by its codename, whether or not the table has it.
host_release() {
  (. /etc/os-release && printf '%s\n' "${VERSION_CODENAME:-unknown}")
}

# release_value RELEASE NAME: the table's entry.
release_value() {
  local value
  value=$(awk -v release="$1" -v name="$2" '
    $1 == "name" {for (i = 2; i <= NF; ++i) if ($i == release) column = i}
    $1 == name && column {print $column}' "$releases_table")
  [[ -n $value ]] ||
    die "there is no $2 of the release '$1' in scripts/releases; it has: $(known_releases | xargs)"
  printf '%s\n' "$value"
}
