# A husk that is not labelled as the domain's entry is refused: one sentence, status 5, nothing relabelled.
# lab: lane=full husk=bin_t
as_root refused_guest "bin_t|entry" --selinux-type microvm_t
as_root refused_guest "bin_t|entry" --selinux-type svirt_t
