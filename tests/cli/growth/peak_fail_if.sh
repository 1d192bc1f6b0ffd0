heldby growth shop.1.held shop.2.held shop.3.held --fail-if "over_peak>0,type=shop.*"
