# A named port in Debian 6.1: hvc0 beside it with the window's size, an agent that answers, clients who come and go.
named_port 6.1
