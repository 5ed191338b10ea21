# A kernel with NixOS' options where they differ from Debian's (virtio, i8042 and the clock as modules, virtio devices by the command
# line, the UART's probe of its interrupt): an installed disk boots to a login, and that probe costs no quarter of a second.
# lab: lane=nixoskernel memory=2G timeout=400
own_image disk.img
husk check disk.img || fail "the check found what keeps it from booting"
converse_nixos --disk disk.img --boot disk <<'SCRIPT' | tee console
expect "<<< NixOS Stage 2 >>>" 250
log-in
send "zcat /proc/config.gz | grep -e VIRTIO -e SERIAL_8250_DETECT_IRQ -e SERIO_I8042 -e RTC_DRV_CMOS; echo end of\\ options\n"
expect "end of options" 60
expect "[root@nixos:~]# " 60
send "dmesg | grep -e 'Serial: 8250' -e 'ttyS0 at I/O'; echo end of\\ log\n"
expect "end of log" 60
expect "[root@nixos:~]# " 60
power-off
SCRIPT
for option in VIRTIO_MMIO=m VIRTIO_BLK=m VIRTIO_CONSOLE=m VIRTIO_MMIO_CMDLINE_DEVICES=y SERIAL_8250_DETECT_IRQ=y SERIO_I8042=m RTC_DRV_CMOS=m; do
  grep -q "CONFIG_$option" console || fail "the kernel was built without CONFIG_$option"
done
# The lines of the kernel's log have the seconds since its start.
probe=$(tr -d '\r' <console | sed 's/^ttyS0| //' | awk '
  /^\[ *[0-9.]+\] Serial: 8250/ { begin = substr($0, 2) + 0 }
  /^\[ *[0-9.]+\] .*ttyS0 at I\/O/ { end = substr($0, 2) + 0 }
  END { if (begin && end) printf "%.0f", (end - begin) * 1000 }')
note "the UART's probe took ${probe:?its lines are not in the log} ms"
[ "$probe" -lt 120 ] || fail "the UART's probe took $probe ms"
