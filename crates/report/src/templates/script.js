"use strict";
(function () {
  var table = document.getElementById("candidate-table");

  // Copying: the clipboard where the browser allows it, a selection for the user's own copy command otherwise.
  document.querySelectorAll("button.copy").forEach(function (button) {
    button.addEventListener("click", function () {
      var code = document.getElementById(button.dataset.copy);
      var say = function (word) {
        button.textContent = word;
        setTimeout(function () { button.textContent = "Copy"; }, 1600);
      };
      var select = function () {
        getSelection().selectAllChildren(code);
        say("Selected");
      };
      if (navigator.clipboard) {
        navigator.clipboard.writeText(code.textContent).then(function () { say("Copied"); }, select);
      } else {
        select();
      }
    });
  });

  if (!table) { return; }
  var bodies = Array.prototype.slice.call(table.tBodies);

  // Lines get their numbers when they are first looked at: a page may hold thousands of sources.
  function number(code) {
    if (code.classList.contains("lines")) { return; }
    var marked = code.dataset.marks.split(" ");
    var lines = code.textContent.split("\n");
    if (lines[lines.length - 1] === "") { lines.pop(); }
    code.textContent = "";
    lines.forEach(function (line, at) {
      var span = document.createElement("span");
      span.className = marked.indexOf(String(at + 1)) >= 0 ? "l marked" : "l";
      span.textContent = line + "\n";
      code.appendChild(span);
    });
    code.classList.add("lines");
  }

  function show(body, open) {
    var button = body.querySelector("button.open");
    var detail = body.querySelector("tr.detail");
    button.setAttribute("aria-expanded", String(open));
    detail.hidden = !open;
    if (!open) { return; }
    var code = detail.querySelector("pre code");
    number(code);
    var marked = code.querySelector(".marked");
    if (marked) { code.parentElement.scrollTop = marked.offsetTop - code.parentElement.clientHeight / 2; }
  }

  table.addEventListener("click", function (event) {
    var row = event.target.closest("tr.main");
    if (!row || event.target.closest("a")) { return; }
    var body = row.parentElement;
    show(body, body.querySelector("tr.detail").hidden);
  });

  function follow() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && bodies.indexOf(target) >= 0) {
      target.hidden = false;
      show(target, true);
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", follow);
  follow();

  // Sorting: missing values stay last in both directions; numbers begin with the greatest.
  table.querySelectorAll("thead th").forEach(function (head, column) {
    head.firstElementChild.addEventListener("click", function () {
      var numeric = head.classList.contains("n") || column === 0 || column === 7;
      var now = head.getAttribute("aria-sort");
      var way = now ? (now === "ascending" ? "descending" : "ascending")
        : (numeric && column !== 0 ? "descending" : "ascending");
      table.querySelectorAll("thead th").forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", way);
      var sign = way === "ascending" ? 1 : -1;
      var keyed = bodies.map(function (body, at) {
        var text = body.rows[0].cells[column].dataset.v;
        return { body: body, at: at, none: text === "", key: numeric ? Number(text) : text };
      });
      keyed.sort(function (a, b) {
        if (a.none || b.none) { return a.none - b.none || a.at - b.at; }
        return (a.key < b.key ? -sign : a.key > b.key ? sign : 0) || a.at - b.at;
      });
      keyed.forEach(function (entry) { table.appendChild(entry.body); });
    });
  });

  var text = document.getElementById("filter-text");
  var verdict = document.getElementById("filter-verdict");
  var admitted = document.getElementById("filter-admitted");
  var count = document.getElementById("filter-count");
  function filter() {
    var word = text.value.trim().toLowerCase();
    var shown = 0;
    bodies.forEach(function (body) {
      var fits = (!verdict.value || body.dataset.stage === verdict.value)
        && (!admitted.checked || body.dataset.admitted === "1")
        && (!word || body.rows[0].textContent.toLowerCase().indexOf(word) >= 0 || body.id.slice(2).indexOf(word) === 0);
      body.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    count.textContent = shown === bodies.length ? shown + " candidates" : shown + " of " + bodies.length + " candidates";
  }
  [text, verdict, admitted].forEach(function (input) { input.addEventListener("input", filter); });
  text.form.addEventListener("submit", function (event) { event.preventDefault(); });
  filter();
})();
