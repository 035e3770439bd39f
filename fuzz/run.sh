#!/bin/sh
# Runs a fuzz target on the stable toolchain, without cargo-fuzz: fuzz/run.sh TARGET [libFuzzer's options].
# Coverage comes from LLVM's own pass; a C++ compiler builds libFuzzer. New inputs go to fuzz/corpus/TARGET.
set -eu
cd "$(dirname "$0")"
target=$1
shift
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
 -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
host=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "corpus/$target"
cargo build --release --target "$host" --bin "$target"
exec "${CARGO_TARGET_DIR:-target}/$host/release/$target" "corpus/$target" "$@"
