# For the scripts that break sources; $work is their folder.

replace() { # file, what, becomes: plain strings, not patterns; fails where there is none
  FROM=$2 TO=$3 awk 'BEGIN { RS = "\001"; from = ENVIRON["FROM"]; to = ENVIRON["TO"] }
    { rest = $0
      while ((i = index(rest, from)) > 0) {
        printf "%s%s", substr(rest, 1, i - 1), to
        rest = substr(rest, i + length(from)); found = 1 }
      printf "%s", rest }
    END { exit !found }' "$1" > "$work/replaced" && cp "$work/replaced" "$1"
}
