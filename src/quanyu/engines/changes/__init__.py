"""Changes: how a running city amends its rules, flows and parameters.

A change is proposed, checked, replayed over the past, and released by a second person; what was released lies, dated and
numbered, over what the packs declare. Releases are kept for ever: any earlier law can be said and put back.
"""
