"""Every write of studies. Views, admin, commands and tasks check who may, then call these."""
