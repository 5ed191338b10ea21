# Debian 6.12 on a root disk: a person logs in on ttyS0, goes to hvc0 by Ctrl-] s, logs in there, and powers off.
login_on_both 6.12
