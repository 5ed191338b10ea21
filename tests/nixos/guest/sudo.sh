#!@shell@
# sudo -i: a stand-in. Who calls it is root already.
exec bash -l
