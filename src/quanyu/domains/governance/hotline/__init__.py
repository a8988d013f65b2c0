"""The 12345 hotline: what people ask and complain about by telephone, on the web or at a counter goes to the unit that
answers for it, with the limit printed on the order, a call-back, and a standing case where a problem keeps coming back.
"""
