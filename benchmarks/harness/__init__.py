"""What the suites of benchmarks/run share: figures and their ratios, the machine, the report, comparisons of builds."""
