# A login as user_u, whose range has no categories, is refused: one sentence, status 5, nothing relabelled.
# lab: lane=full
as_user refused_guest "categor|range"
