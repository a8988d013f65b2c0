"""Items (政务服务事项): what one may apply for, its legal clocks, who holds what, and how a wrong record is mended.

Elements and registers that other packs build their forms from are declared here. Registers are demonstration: a city says
by which law its own are kept.
"""
