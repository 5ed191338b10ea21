#!/bin/bash
# What ACPICA's own compiler makes of our tables, for several machines: it must take each table apart without a complaint,
# put it together again to the same bytes, and show the devices that the machine has.
#
# usage: iasl_test.sh ACPI_DUMP    (the program built from dump_tables.cc; iasl comes with acpica-tools)
set -euo pipefail

fail() {
  echo "acpi_iasl: $*" >&2
  exit 1
}

[ $# -eq 1 ] || fail "usage: iasl_test.sh ACPI_DUMP"
command -v iasl >/dev/null || fail "iasl is missing: install acpica-tools"
dump=$(realpath "$1")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The text says the pattern (a fixed string) exactly so many times.
expect() {
  local count
  count=$(grep -cF -- "$2" "$3" || true)
  [ "$count" -eq "$1" ] || fail "$machine: $3 has $count times '$2', not $1"
}

# Everything behind the 36 bytes of header must be the same; in the header iasl puts its own name as the creator.
round_trip() {
  local table=$1
  iasl -d "$table.dat" >"$table.log" 2>&1 || fail "$machine: $table cannot be disassembled: $(cat "$table.log")"
  [ -s "$table.dsl" ] || fail "$machine: nothing was disassembled from $table"
  if grep -iE 'error|warning|remark|invalid|unknown|checksum|mismatch|exception' "$table.log"; then
    fail "$machine: complaints about $table while disassembling"
  fi
  if grep -niE '\*\*\*\*|invalid|unknown|warning|error' "$table.dsl"; then
    fail "$machine: complaints about $table in the disassembly"
  fi
  # -oa: no optimisation, which would shorten names; -w3: all warnings and remarks
  iasl -oa -w3 -p again "$table.dsl" >"$table.log" 2>&1 || fail "$machine: $table does not compile again: $(cat "$table.log")"
  grep -qE '0 Errors, 0 Warnings, 0 Remarks' "$table.log" || fail "$machine: complaints about $table: $(cat "$table.log")"
  cmp -i 36 "$table.dat" again.aml || fail "$machine: $table is not the same after a round trip"
  rm again.aml
}

check_machine() {
  local cpus=$1 virtio=$2 uart=$3 uarts=0
  [ "$uart" = off ] || uarts=1
  machine="$cpus processors, $virtio virtio devices, UART $uart"
  mkdir "$work/$cpus-$virtio-$uart"
  cd "$work/$cpus-$virtio-$uart"
  "$dump" . "$cpus" "$virtio" "$uart" || fail "$machine: no tables"
  for table in XSDT FACP APIC DSDT; do
    [ -s $table.dat ] || fail "$machine: no $table"
    round_trip $table
  done

  expect "$cpus" '"ACPI0007"' DSDT.dsl
  expect "$virtio" '"LNRO0005"' DSDT.dsl
  expect "$virtio" 'Memory32Fixed (ReadWrite,' DSDT.dsl
  expect $uarts 'EisaId ("PNP0501")' DSDT.dsl
  expect $uarts 'IO (Decode16,' DSDT.dsl
  expect 1 'EisaId ("PNP0C0C")' DSDT.dsl
  expect 1 '"ACPI0013"' DSDT.dsl
  expect 1 'Method (_EVT, 1, NotSerialized)' DSDT.dsl
  expect 1 'Notify (\_SB.PWRB, 0x80)' DSDT.dsl
  expect 1 'Name (\_S5, Package (0x04)' DSDT.dsl
  expect $((virtio + uarts + 1)) 'Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, )' DSDT.dsl

  expect 1 'Hardware Reduced (V5) : 1' FACP.dsl
  expect 1 'CMOS RTC Not Present (V5) : 1' FACP.dsl
  expect 1 'VGA Not Present (V4) : 1' FACP.dsl
  expect 1 '8042 Present on ports 60/64 (V2) : 0' FACP.dsl
  expect 1 'Reset Register Supported (V2) : 1' FACP.dsl
  expect 1 'Control Method Power Button (V1) : 1' FACP.dsl

  expect 1 'PC-AT Compatibility : 0' APIC.dsl
  expect $((cpus < 255 ? cpus : 255)) '[Processor Local APIC]' APIC.dsl
  expect $((cpus < 255 ? 0 : cpus - 255)) '[Processor Local x2APIC]' APIC.dsl
  expect 1 '[I/O APIC]' APIC.dsl
}

check_machine 1 0 off
check_machine 1 3 on
check_machine 4 32 on
check_machine 256 1 off
check_machine 1024 32 on
echo "acpi_iasl: ok"
