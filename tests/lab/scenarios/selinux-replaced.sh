# A descriptor that policy takes from a role (a console file in /etc), which the kernel does without a word: found at start, status 5.
# lab: lane=full
as_root refused_guest "descriptor [0-9]+ is not what the launcher put there" --console file=/etc/husk-test.log | tee refused
note "$(grep "descriptor" refused)"
avcs_since_start | tee avcs
grep 'tcontext=[a-z_:]*:etc_t:.*tclass=file' avcs || fail "no AVC names the file"
note "$(grep etc_t avcs | head -n 1 | sed 's/.*audit([^)]*): avc: *//')"
rm /etc/husk-test.log
