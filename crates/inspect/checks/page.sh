#!/usr/bin/env bash
# Opens a page of `archsmith draw -o page.html` in headless Chromium, offline, and uses it: search, select, collapse, zoom.
# page.sh PAGE.html [PICTURE.png]; exit code 1: something did not work.
set -euo pipefail
page=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chromium=${CHROMIUM:-chromium}
flags=(--headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" --window-size=1500,900 --virtual-time-budget=5000 --proxy-server=127.0.0.1:1)
sed 's#</body></html>#<script>\
addEventListener("error",e=>document.body.dataset.result="error: "+e.message);\
setTimeout(()=>{const fail=[];const must=(ok,what)=>{if(!ok)fail.push(what)};\
const box=document.querySelector(".g:not(.root)");\
must(document.querySelectorAll(".r").length>2,"operators are drawn");\
must(document.querySelectorAll("path.e").length>1,"edges are drawn");\
$("all").click();const open=stage.offsetHeight*stage.offsetWidth;$("none").click();\
must(!box||stage.offsetHeight*stage.offsetWidth<open,"collapsing makes the picture smaller");$("all").click();\
const word=rows.find(e=>e.r.n!==null).r.t;$("q").value=word;$("q").dispatchEvent(new Event("input"));\
must(document.querySelectorAll(".hit").length>0\&\&$("hits").textContent.includes("found"),"search finds "+word);\
if(box)box.classList.add("closed");$("q").dispatchEvent(new KeyboardEvent("keydown",{key:"Enter"}));\
must(document.querySelector(".r.sel"),"Enter selects a hit");must($("info").querySelectorAll("tr").length>2,"arguments and cost are shown");\
must(!D.source.length||document.querySelector("\#src .on"),"the line of the source is marked");\
const line=document.querySelector("\#src .used");if(line){line.click();must(document.querySelector(".r.sel").r.l==line.dataset.l,"a line selects its operator")}\
const before=scale;view.dispatchEvent(new WheelEvent("wheel",{deltaY:-400,clientX:300,clientY:300,cancelable:true}));must(scale>before,"the wheel zooms");\
document.body.dataset.result=fail.length?"failed: "+fail.join("; "):"ok"},300)\
</script></body></html>#' "$page" > "$work/test.html"
dom=$("$chromium" "${flags[@]}" --dump-dom "file://$work/test.html" 2>/dev/null)
result=$(grep -o 'data-result="[^"]*"' <<<"$dom" | head -1)
[ $# -lt 2 ] || "$chromium" "${flags[@]}" --screenshot="$(realpath -m "$2")" "file://$page" >/dev/null 2>&1
echo "$1: ${result:-no result}"
[ "$result" = 'data-result="ok"' ]
