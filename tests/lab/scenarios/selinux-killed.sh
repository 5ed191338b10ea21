# kill -9 of a launcher: its disk keeps the pair's label, the next start puts the old one back first; nothing is left of it at the end.
# lab: lane=full
as_root killed_launcher
as_staff killed_launcher
