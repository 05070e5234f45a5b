#!/usr/bin/env bash
# A picture of a page of `archsmith draw -o page.html` in headless Chromium, with an operator selected.
# picture.sh PAGE.html OUT.png WORD: the first operator that the search finds for WORD is selected.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed "s#</body></html>#<script>\$('q').value='$3';search();select(hits[0])</script></body></html>#" "$1" > "$work/page.html"
"${CHROMIUM:-chromium}" --headless --no-sandbox --disable-gpu --hide-scrollbars --disable-background-networking \
  --user-data-dir="$work/profile" --window-size=1600,900 --proxy-server=127.0.0.1:1 --virtual-time-budget=3000 \
  --screenshot="$(realpath -m "$2")" "file://$work/page.html" >/dev/null 2>&1
echo "wrote $2"
