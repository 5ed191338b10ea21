# --net passt, run by a user without privileges: the guest has its address by DHCP and fetches by HTTP from a server in L1, if that is allowed.
# lab: lane=tools timeout=400
# passt gives the guest the address and the route of an interface of L1's.
new_tap up0 10.7.0.2/24 1500
tool ip route add default via 10.7.0.1 dev up0
new_tap up1 10.8.0.1/24 1500
tool ip address add 10.8.0.3/24 dev up1
mkdir www
random_file www/file 4
md5sum <www/file >www/md5
httpd -f -p 80 -h www &
server=$!
[ -e /bin/passt ] || ln -s /tools/usr/bin/passt /bin/passt
fresh_root
chmod 755 .
chown -R 1000:1000 .
status=0
# shellcheck disable=SC2086 # words
(runner="sh /lab/unprivileged" && words=denied=1 && task_on_disk 6.12 fetch --net passt $tools_disk) || status=$?
# shellcheck disable=SC2086 # words
[ $status != 0 ] || (runner="sh /lab/unprivileged" && task_on_disk 6.12 fetch --net passt,allow=10.8.0.1 $tools_disk) || status=$?
kill $server
remove_tap up0
remove_tap up1
[ $status = 0 ] || fail "see above"
note "$(sed -n 's/^l2: fetched //p' fetch.log | tr -d '\r' | tr '\n' ';')"
