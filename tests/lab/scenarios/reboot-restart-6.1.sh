# A reboot of Debian 6.1 from its shell: the guest starts anew, and its second life powers off with status 0.
reboot_and_power_off 6.1 vmlinux
