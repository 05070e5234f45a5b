# Recipes. `just` alone lists them.

export CARGO_TERM_PROGRESS_WHEN := "auto"

# List the recipes.
default:
    @just --list --unsorted

# The main job, offline: three cycles of design, training and fine-tuning on the embedded model and data; ends with a report.
run *ARGS:
    cargo run --locked --quiet -- run {{ARGS}}

# Twenty-two cycles into runs/laptop-NAME-SEED; goes on where it was stopped. SETTINGS as `sft.enabled=false` make a comparison of it (give it a NAME).
laptop SEED="0" NAME="whole" *SETTINGS:
    #!/usr/bin/env bash
    set -euo pipefail
    dir=runs/laptop-{{NAME}}-{{SEED}}
    if [ -f $dir/config.toml ]; then exec cargo run --locked --quiet -- run --resume $dir; fi
    settings=(); for s in {{SETTINGS}}; do settings+=(--set "$s"); done
    exec cargo run --locked --quiet -- run --preset laptop --seed {{SEED}} --out $dir "${settings[@]}"

# What each part is worth: the same run without fine-tuning, without novelty, without guidance, and with mutation in the model's place.
ablations SEED="0":
    just laptop {{SEED}} no-sft sft.enabled=false
    just laptop {{SEED}} no-novelty novelty.near_duplicate=1.0 novelty.graph=false novelty.redraws=0
    just laptop {{SEED}} no-guide sampling.guide=off
    just laptop {{SEED}} mutation model.source=mutation
    cargo run --locked --quiet -- compare runs/laptop-*-{{SEED}} --svg runs/ablations-{{SEED}}.svg

# Every test.
test *ARGS:
    cargo test --locked --workspace --no-fail-fast {{ARGS}}

# Candidates in a row through worker processes, broken ones too: files, children and memory of the parent stay flat.
soak CANDIDATES="200":
    CANDIDATES={{CANDIDATES}} cargo test --locked --workspace --test suite -- --ignored --exact worker::soak --nocapture

# Kill runs of the loop (on fakes) at 200 moments: each is resumed and ends with the archive of an undisturbed one.
kills:
    cargo test --locked --workspace --test suite -- --ignored --exact killed::killed_many_times_it_ends_the_same --nocapture

# A very long run of the loop on fakes: memory, and how long the archive's answers take.
long CANDIDATES="100000":
    CANDIDATES={{CANDIDATES}} cargo test --locked --workspace --test suite -- --ignored --exact long::a_hundred_thousand_candidates --nocapture

# Formatting and lints, as CI would have them.
lint:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings

# Advisories, licences and duplicate versions (needs cargo-deny).
deny:
    cargo deny --locked check

# The documentation of all crates.
doc:
    cargo doc --locked --workspace --no-deps

# Install the command with full optimisation.
install:
    cargo install --locked --path crates/cli

# Make the embedded model anew. CORPUS is a folder of PyTorch networks in LEMUR's layout (see README); about 50 minutes on 2 cores.
pretrain CORPUS OUT="runs/pretrain":
    cargo run --locked --quiet -- pretrain --corpus {{CORPUS}} --config assets/model/recipe.toml --out {{OUT}}

# Training speed of networks, alternating with a peer that prints the same JSON: PEER is its command, as "python torch_train.py".
bench-train PEER ROUNDS +NETS:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo build --locked --quiet
    for round in $(seq {{ROUNDS}}); do
      for net in {{NETS}}; do
        target/debug/archsmith bench train "$net" --batch 64 --steps 8 --threads 2
        {{PEER}} "$net" --batch 64 --steps 8 --threads 2
      done
    done

# The gain of the kernels over the tensor library's own operations, by kind of layer, as a table.
bench-kernels:
    cargo test --locked --workspace --lib -- --ignored --exact kernels::tests::gain::gain_by_kind_of_layer --nocapture

# The kernels with unsafe code under AddressSanitizer, on random shapes: what is read or written beyond an operand ends the program.
sanitize CASES="400":
    cd crates/train/checks/sanitize && RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" cargo run --locked --quiet --target "$(rustc -vV | sed -n 's/^host: //p')" --target-dir ../../../../target/sanitize -- {{CASES}}

# CANDIDATES networks of CORPUS through the worker processes, one after another: verdicts, and what the parent holds.
bench-evaluate CORPUS CANDIDATES="200":
    cargo run --locked --quiet -- --quiet bench evaluate --corpus {{CORPUS}} --limit {{CANDIDATES}}

# The book, into target/book (needs mdBook: cargo install --locked mdbook).
book: drawings
    cargo run --locked --quiet -- ops --markdown > assets/book/operators.md
    mdbook build assets/book

# The drawings of the book and the README, anew from the seed networks.
drawings:
    for net in residual_basic dense_connections inception_branches patch_transformer inverted_residual_se; do \
      cargo run --locked --quiet -- --quiet draw assets/seeds/$net.py --in-shape 2,3,32,32 -o assets/book/pictures/$net.svg || exit 1; done

# The drawings, and a picture of the page (needs chromium).
pictures: drawings
    cargo run --locked --quiet -- --quiet draw assets/seeds/inverted_residual_se.py --in-shape 2,3,32,32 -o target/page.html
    crates/inspect/checks/page.sh target/page.html
    crates/inspect/checks/picture.sh target/page.html assets/book/pictures/page.png "conv2d 3×3"

# Fuzz the frontend (TARGET text or mutants: what is found becomes a file under crates/frontend/tests/suite/fuzzed) or what the language model reads (files). Needs cargo-fuzz: cargo install --locked cargo-fuzz.
fuzz TARGET SECONDS="600":
    cd crates/{{ if TARGET == "files" { "llm" } else { "frontend" } }}/fuzz && mkdir -p corpus/{{TARGET}} && RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir . --sanitizer none -a {{TARGET}} corpus/{{TARGET}} -- -max_total_time={{SECONDS}} -timeout=60 -rss_limit_mb=3000 -malloc_limit_mb=1500

# Export every network of CORPUS that ORACLE knows and run the models in tract and onnxruntime (PYTHON has numpy, onnx, onnxruntime).
check-onnx CORPUS ORACLE OUT="target/check" PYTHON="python3":
    mkdir -p {{OUT}}
    cargo build --locked --quiet --manifest-path crates/inspect/checks/tract/Cargo.toml --target-dir target/tract
    cargo run --locked --quiet -p archsmith-inspect --example corpus -- {{CORPUS}} {{ORACLE}} {{OUT}} | target/tract/debug/archsmith-tract-check {{ORACLE}} {{OUT}} | {{PYTHON}} crates/inspect/checks/run_onnx.py {{ORACLE}} {{OUT}}

# Compile the crates that `export --burn` makes of networks, and run their tests: the outputs are the stored ones. Slow the first time.
check-burn +NETS:
    for net in {{NETS}}; do dir=target/burn/$(basename $net .py); rm -rf $dir; \
      cargo run --locked --quiet -- --quiet export $net --burn $dir --in-shape 2,3,32,32 && \
      CARGO_TARGET_DIR=target/burn/target cargo test --manifest-path $dir/Cargo.toml -- --nocapture || exit 1; done

# What torchinfo, fvcore, thop and torch's own counter say of networks (PYTHON has them).
counts PYTHON SIZE +NETS:
    {{PYTHON}} crates/inspect/checks/counts.py {{SIZE}} {{NETS}}

# Run the canonical sources that `check-onnx` left in OUT in PyTorch (PYTHON has numpy and torch).
check-source ORACLE OUT="target/check" PYTHON="python3":
    {{PYTHON}} crates/inspect/checks/run_source.py {{ORACLE}} {{OUT}}

# Draw networks and use the pages in headless Chromium; pictures beside them.
check-pages OUT="target/pages" +NETS="":
    mkdir -p {{OUT}}
    for net in {{NETS}}; do name=$(basename $net .py); cargo run --locked --quiet -- --quiet draw $net --in-shape 2,3,32,32 -o {{OUT}}/$name.html && crates/inspect/checks/page.sh {{OUT}}/$name.html {{OUT}}/$name.png || exit 1; done
