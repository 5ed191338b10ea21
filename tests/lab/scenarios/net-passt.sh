# --net passt, husk run by a user without privileges: the guest gets its address by DHCP and fetches a file by HTTP from a server in L1.
# lab: lane=tools timeout=400
# passt gives the guest the address and the route of an interface of L1's.
new_tap up0 10.7.0.2/24 1500
tool ip route add default via 10.7.0.1 dev up0
new_tap up1 10.8.0.1/24 1500
mkdir www
random_file www/file 4
md5sum <www/file >www/md5
httpd -f -p 10.8.0.1:80 -h www &
server=$!
[ -e /bin/passt ] || ln -s /tools/usr/bin/passt /bin/passt
fresh_root
chmod 755 .
chown -R 1000:1000 .
status=0
# shellcheck disable=SC2086 # words
(runner="sh /lab/unprivileged" && task_on_disk 6.12 fetch --net passt $tools_disk) || status=$?
kill $server
remove_tap up0
remove_tap up1
[ $status = 0 ] || fail "see above"
note "$(sed -n 's/^l2: fetched //p' fetch.log | tr -d '\r' | tr '\n' ';')"
