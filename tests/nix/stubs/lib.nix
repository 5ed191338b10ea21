# As much of nixpkgs' lib as husk's expressions use, written for the tests: there is no nixpkgs where they run.
let
  inherit (builtins)
    attrNames
    concatStringsSep
    filter
    foldl'
    listToAttrs
    match
    replaceStrings
    stringLength
    substring
    ;

  optional = condition: value: if condition then [ value ] else [ ];
  nameValuePair = name: value: { inherit name value; };
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
  escapeShellArg =
    value:
    let
      text = toString value;
    in
    if match "[[:alnum:],._+:@%/-]+" text != null then text else "'${replaceStrings [ "'" ] [ "'\\''" ] text}'";
  searchPath = folder: packages: concatStringsSep ":" (map (package: "${package}/${folder}") packages);

  lib = {
    inherit (builtins)
      all
      any
      concatMap
      concatStringsSep
      ;
    inherit optional nameValuePair mapAttrsToList escapeShellArg;
    optionals = condition: values: if condition then values else [ ];
    optionalString = condition: text: if condition then text else "";
    concatStrings = concatStringsSep "";
    concatMapStrings = f: values: concatStringsSep "" (map f values);
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    escapeShellArgs = values: concatStringsSep " " (map escapeShellArg values);

    mapAttrs = builtins.mapAttrs;
    mapAttrs' = f: set: listToAttrs (mapAttrsToList f set);
    filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
    attrByPath = path: default: set: foldl' (at: name: if at ? ${name} then at.${name} else default) set path;

    makeBinPath = searchPath "bin";
    makeLibraryPath = searchPath "lib";
    cleanSource = src: src;
    cleanSourceWith = arguments: arguments;
    licenses.asl20 = "asl20";

    # utils of NixOS, by what systemd.service(5) says of quoting, specifiers and variables.
    escapeSystemdExecArgs =
      values: concatStringsSep " " (map (value: replaceStrings [ "%" "$" ] [ "%%" "$$" ] (builtins.toJSON "${value}")) values);
  };

  all = lib // import ./modules.nix { lib = all; };
in
all
